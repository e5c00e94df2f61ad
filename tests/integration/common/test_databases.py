"""Shards on two servers: each has the tables of what it holds, and reads find all of it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from campaign_common.database import Database, Databases
from campaign_common.domain.message import Status
from campaign_common.dsn import parse_dsn
from campaign_common.errors import DatabaseUnavailable, SchemaOutdated, ShardsMisplaced
from campaign_common.schema import SchemaCheck, schema_status, wait_for_schema
from campaign_common.schema.migrate import migrate_all
from campaign_common.settings import MysqlSettings, load_settings
from campaign_common.store.campaigns.progress import read_movement
from campaign_common.store.core.counters import counts, counts_by_status
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_changes,
    insert_outcomes,
)
from campaign_common.store.shards.partition_map import read_owners
from local_stack.ports import free_port
from tests.support.services.processes import completed

SHARDS = 4
ELSEWHERE = (2, 3)
CAMPAIGN = 7
INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, shards, last_seq,
                       created_at)
VALUES (7, '', '', 1, '', '', 'running', 4, 40, NOW(6))
"""
TABLES = """
SELECT TABLE_NAME FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'messages%'
"""


@pytest.fixture
def databases(database: str, other_database: str) -> Iterator[Databases]:
    pools = tuple(Database(MysqlSettings(dsn=parse_dsn(dsn))) for dsn in (database, other_database))
    made = Databases(pools, dict.fromkeys(ELSEWHERE, 1))
    yield made
    made.close()


@pytest.fixture
def migrated(databases: Databases) -> Databases:
    list(migrate_all(databases, SHARDS))
    return databases


def column(database: Database, sql: str) -> list[object]:
    with database.reading() as cursor:
        cursor.execute(sql)
        return sorted(row[0] for row in cursor.fetchall())


def change(database: Database, sql: str, *arguments: object) -> None:
    with database.transaction() as cursor:
        cursor.execute(sql, arguments or None)


def test_each_server_gets_the_tables_and_claims_of_its_shards(databases: Databases) -> None:
    reports = list(migrate_all(databases, SHARDS))
    assert [len(report.created_tables) for report in reports] == [6, 6]
    main, other = databases.all
    assert column(main, TABLES) == ["messages_0", "messages_1"]
    assert column(other, TABLES) == ["messages_2", "messages_3"]
    claims = "SELECT shard FROM shard_claims"
    assert (column(main, claims), column(other, claims)) == ([0, 1], [2, 3])
    again = list(migrate_all(databases, SHARDS))
    assert [(report.applied, report.created_tables) for report in again] == [((), ()), ((), ())]


def test_more_shards_go_to_the_main_server_unless_they_are_named(migrated: Databases) -> None:
    list(migrate_all(migrated, SHARDS + 1))
    assert column(migrated.main, TABLES) == ["messages_0", "messages_1", "messages_4"]


def test_a_service_waits_for_every_server_that_answers(databases: Databases) -> None:
    main, other = databases.all
    list(migrate_all(Databases((main,)), SHARDS))
    with pytest.raises(SchemaOutdated, match=f"^{other.name}: .*run campaign-db migrate"):
        wait_for_schema(databases, SHARDS, timeout=0)
    list(migrate_all(databases, SHARDS))
    wait_for_schema(databases, SHARDS, timeout=0)


def test_only_the_main_server_is_needed_for_a_start(migrated: Databases) -> None:
    """An outage of another server prevents no start, and one of the main server does."""
    nowhere = Database(MysqlSettings(dsn=parse_dsn(f"u@tcp(127.0.0.1:{free_port()})/camp")))
    half = Databases((migrated.main, nowhere), migrated.server_of_shard)
    change(migrated.main, "UPDATE shard_placements SET server = %s", nowhere.name)
    wait_for_schema(half, SHARDS, timeout=0)
    with pytest.raises(DatabaseUnavailable), half.reading():
        pass
    with pytest.raises(DatabaseUnavailable):
        wait_for_schema(
            Databases((nowhere, migrated.main), migrated.server_of_shard), SHARDS, timeout=0
        )


def test_a_server_that_was_found_current_is_not_asked_again(migrated: Databases) -> None:
    check = SchemaCheck(migrated, SHARDS)
    check.require()
    change(migrated.all[1], "DROP TABLE messages_3")
    check.require()
    assert schema_status(migrated.all[1], ELSEWHERE).missing_shard_tables == ("messages_3",)


def test_counters_of_all_servers_are_added_up(migrated: Databases) -> None:
    main, other = migrated.all
    change(main, INSERT_CAMPAIGN)
    for database, shard in ((main, 0), (main, 1), (other, 2)):
        with database.transaction() as cursor:
            add_counts(cursor, {(CAMPAIGN, shard, Status.SENT): 10})
    with other.transaction() as cursor:
        add_counts(cursor, {(CAMPAIGN, 3, Status.FAILED): 5})
        cursor.execute(
            "INSERT INTO possibly_sent (campaign_id, seq, try_number, generation, shard)"
            " VALUES (7, 1, 1, 0, 2), (7, 2, 1, 0, 3), (8, 2, 1, 0, 3)"
        )
    sums = {Status.SENT: 30, Status.FAILED: 5}
    with migrated.reading() as cursors:
        assert counts(cursors, CAMPAIGN) == sums
        movement = read_movement(cursors, CAMPAIGN, within=60)
        assert movement is not None
        assert movement.counted == (sums, 2)
        assert counts_by_status(cursors, [CAMPAIGN, 8]) == {CAMPAIGN: sums, 8: {}}


WORK = "UPDATE shard_claims SET epoch = %s WHERE shard = %s"
HOMES = "SELECT CONCAT(shard, ' ', server) FROM shard_placements"


def test_a_configuration_that_moves_shards_is_refused(databases: Databases) -> None:
    """A configuration that sends shards elsewhere is refused until they are moved."""
    main, other = databases.all
    alone = Databases((main,))
    list(migrate_all(alone, SHARDS))
    change(main, WORK, 5, 3)
    with pytest.raises(ShardsMisplaced, match=f"shard 3 is to live on {other.name}"):
        list(migrate_all(databases, SHARDS, moved=True))
    assert (column(main, HOMES), column(other, TABLES)) == ([], [])
    SchemaCheck(alone, SHARDS).require()
    change(
        other,
        "INSERT INTO shard_claims (shard, epoch, owner_token, claimed, updated_at)"
        " VALUES (3, 5, REPEAT('x', 16), '', NOW(6))",
    )
    with pytest.raises(ShardsMisplaced, match=r"shard 3 lives on the main server.*--moved"):
        list(migrate_all(databases, SHARDS))
    list(migrate_all(databases, SHARDS, moved=True))
    assert column(main, HOMES) == [f"2 {other.name}", f"3 {other.name}"]
    SchemaCheck(databases, SHARDS).require()
    with pytest.raises(SchemaOutdated, match=f"shard 2 lives on {other.name}, and by MysqlShards"):
        SchemaCheck(alone, SHARDS).require()


def test_added_shards_do_not_matter_to_older_processes(migrated: Databases) -> None:
    """Processes that do not know of added shards go on."""
    more = Databases(migrated.all, {**migrated.server_of_shard, SHARDS: 1})
    list(migrate_all(more, SHARDS + 1))
    SchemaCheck(migrated, SHARDS).require()
    list(migrate_all(migrated, SHARDS))
    SchemaCheck(more, SHARDS + 1).require()


def test_a_server_that_is_forgotten_keeps_its_shards(migrated: Databases) -> None:
    main, other = migrated.all
    change(other, WORK, 7, 3)
    with pytest.raises(ShardsMisplaced, match="shard 3 is to live on"):
        list(migrate_all(Databases((main, other)), SHARDS, moved=True))
    with pytest.raises(ShardsMisplaced, match=f"shard 2 lives on {other.name}"):
        list(migrate_all(Databases((main,)), SHARDS))
    assert column(main, HOMES) == [f"2 {other.name}", f"3 {other.name}"]


def test_a_claim_left_behind_by_a_moved_shard_is_ignored(migrated: Databases) -> None:
    """A claim that a moved shard left behind is not taken for its own."""
    insert = (
        "INSERT INTO shard_claims (shard, owner_token, owner_name, claimed, updated_at)"
        " VALUES (3, REPEAT('x', 16), 'an old owner', 'x', NOW(6))"
    )
    change(migrated.main, insert)
    with migrated.reading() as cursors:
        owners = read_owners(cursors)
    assert [owner.position.shard for owner in owners] == [0, 1, 2, 3]
    assert {owner.owner_name for owner in owners} == {""}


def test_the_view_shows_only_whom_the_main_server_knows_of(migrated: Databases) -> None:
    main = migrated.main
    phones = [str(13900000000 + n) for n in range(40)]
    with main.transaction() as cursor:
        cursor.execute(INSERT_CAMPAIGN)
        cursor.executemany(
            "INSERT INTO recipients (list_id, seq, phone, name) VALUES (%s, %s, %s, '')",
            [(1, seq, phone) for seq, phone in enumerate(phones, 1)],
        )
        cursor.execute(f"SELECT phone FROM recipients WHERE CRC32(phone) %% {SHARDS} < 2", ())
        held = {phone for (phone,) in cursor.fetchall()}
        cursor.execute(
            "UPDATE recipients SET phone = '-1', erased_shard = 2, erased_shard_count = 4"
            " WHERE phone = %s",
            (min(held),),
        )
    shown = column(main, "SELECT phone FROM campaign_messages")
    assert shown == sorted(held - {min(held)})
    assert 0 < len(shown) < len(phones)


def test_the_commands_cover_every_server(
    tmp_path: Path, database: str, other_database: str
) -> None:
    config = tmp_path / "campmgr.yaml"
    document = {
        "Mysql": {"DSN": database},
        "MysqlShards": [{"DSN": other_database, "Shards": ["2-3"]}],
        "SyncClient": {"Brokers": ["unused:9092"]},
        "SendClient": {"Brokers": ["unused:9092"]},
        "MsgTableShardingSize": SHARDS,
    }
    config.write_text(yaml.safe_dump(document))

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return completed("campaign-db", [*words, "-c", config])

    before = run("status")
    assert (before.returncode, before.stdout.count("the schema lacks")) == (1, 2)
    made = run("create-database")
    assert (made.returncode, made.stdout.count("ready")) == (0, 2), made.stderr
    migrated = run("migrate")
    assert (migrated.returncode, migrated.stdout.count("created 6 shard tables")) == (0, 2)
    after = run("status")
    assert (after.returncode, after.stdout.count("the schema is up to date")) == (0, 2)
    with Databases.configured(load_settings(config, {})).all[1].transaction() as cursor:
        row = LedgerRow(
            campaign_id=9,
            seq=1,
            status=Status.SENT,
            generation=0,
            try_number=1,
            attempts=1,
            provider_message_id="id",
        )
        insert_outcomes(cursor, 2, [row])
        add_counts(cursor, count_changes(2, [row]))
    restored = run("hold")
    assert "campaign 9: " in restored.stdout, restored.stderr
    assert "campaign 9: " not in run("hold").stdout
    purged = run("purge", "--older-than", "1d")
    assert "campaign 9 is purged: 2 rows" in purged.stdout, purged.stderr


def test_a_server_that_lost_its_data_is_not_filled_unasked(migrated: Databases) -> None:
    """A server that has lost its data gets no new schema unless that is asked for."""
    _, other = migrated.all
    for table in ("shard_claims", "campaign_counters"):
        change(other, f"DELETE FROM {table}")
    with pytest.raises(ShardsMisplaced, match=f"shard 2 lives on {other.name}, which has nothing"):
        list(migrate_all(migrated, SHARDS))
    assert column(other, "SELECT shard FROM shard_claims") == []
    list(migrate_all(migrated, SHARDS, moved=True))
    assert column(other, "SELECT shard FROM shard_claims") == [2, 3]


def test_a_first_migration_that_was_killed_can_be_repeated(databases: Databases) -> None:
    migrating = migrate_all(databases, SHARDS)
    next(migrating)
    migrating.close()
    list(migrate_all(databases, SHARDS))
    assert column(databases.main, HOMES) == [
        f"2 {databases.all[1].name}",
        f"3 {databases.all[1].name}",
    ]
