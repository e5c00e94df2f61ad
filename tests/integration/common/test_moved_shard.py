"""Moving a shard to another server, by the commands of docs/operations/database-servers.md."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign_admin.doctor.campaigns import check_campaigns
from campaign_admin.doctor.finding import CheckStatus
from campaign_common.database import Database, Databases
from campaign_common.domain.message import MessageKey, Status
from campaign_common.dsn import parse_dsn
from campaign_common.errors import ShardsMisplaced
from campaign_common.schema.migrate import migrate_all
from campaign_common.settings import MysqlSettings, load_settings
from campaign_common.store.core.counters import counts
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_changes,
    insert_outcomes,
    look_up,
)
from campaign_common.store.messages.retry_schedule import (
    ScheduledRetry,
    schedule_retries,
    waiting_seqs,
)
from campaign_common.store.shards.claims import ClaimRow, read_claims
from local_stack.distributions.cache import Cache
from local_stack.stack import database_program
from tests.support.servers.databases import DatabaseServers, fresh_schema

PAGE = (Path(__file__).parents[3] / "docs" / "operations" / "database-servers.md").read_text()
SHARD, SHARDS, CAMPAIGN = 1, 2, 7
BROKERS = {"CAMP__SYNCCLIENT__BROKERS": "h:1", "CAMP__SENDCLIENT__BROKERS": "h:1"}
CLAIMED = b"\x00\xff\n'claimed"
SENT = LedgerRow(
    campaign_id=CAMPAIGN,
    seq=5,
    status=Status.SENT,
    generation=0,
    try_number=1,
    attempts=1,
    provider_message_id="id'5",
)
WAITING = LedgerRow(
    campaign_id=CAMPAIGN,
    seq=6,
    status=Status.WAITING,
    generation=0,
    try_number=1,
    attempts=1,
    error_code="busy",
)


@pytest.fixture
def servers(database_servers: DatabaseServers) -> Iterator[tuple[Database, Database]]:
    server = database_servers.get("mariadb")
    with fresh_schema(server.dsn) as first, fresh_schema(server.dsn) as second:
        old, new = (Database(MysqlSettings(dsn=parse_dsn(dsn))) for dsn in (first, second))
        yield old, new
        old.close()
        new.close()


@pytest.fixture
def programs(tmp_path: Path, cache: Cache) -> dict[str, str]:
    """An environment in which MariaDB's programs have the names that the page uses."""
    folder = Path(database_program("mariadb", cache).serve[0]).parent
    for name, target in (("mysqldump", "mariadb-dump"), ("mysql", "mariadb")):
        (tmp_path / name).symlink_to(folder / target)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def steps() -> tuple[str, str]:
    """The commands that copy, and those that delete."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    copying, deleting = [block for block in blocks if "$shard" in block]
    return copying, deleting


def run(commands: str, old: Database, new: Database, environment: dict[str, str]) -> None:
    variables = {"old": options(old), "new": options(new), "shard": str(SHARD)}
    completed = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr


def options(database: Database) -> str:
    dsn = database.settings.dsn
    host, _, port = dsn.address.rpartition(":")
    return f"-h {host} -P {port} -u {dsn.user} {dsn.database}"


def fill(old: Database) -> None:
    with old.transaction() as cursor:
        insert_outcomes(cursor, SHARD, [SENT, WAITING])
        add_counts(cursor, count_changes(SHARD, [SENT, WAITING]))
        schedule_retries(cursor, SHARD, [ScheduledRetry(WAITING, 60.0)])
        cursor.execute(
            "UPDATE shard_claims SET epoch = 9, claimed = %s, recorded_offset = 44 WHERE shard = 1",
            (CLAIMED,),
        )
        cursor.execute(
            "INSERT INTO possibly_sent (campaign_id, seq, try_number, generation, shard)"
            " VALUES (7, 6, 1, 0, 1), (7, 8, 1, 0, 0)"
        )


def claims(database: Database) -> dict[int, ClaimRow]:
    with database.reading() as cursor:
        return read_claims(cursor)


def suspects(database: Database) -> list[tuple[int, int]]:
    with database.reading() as cursor:
        cursor.execute("SELECT seq, shard FROM possibly_sent")
        return list(cursor.fetchall())


def test_a_shard_is_moved_by_the_commands_of_the_page(
    servers: tuple[Database, Database], programs: dict[str, str]
) -> None:
    old, new = servers
    list(migrate_all(Databases((old,)), SHARDS))
    fill(old)
    moved = Databases(servers, {SHARD: 1})
    before = claims(old)[SHARD]
    with pytest.raises(ShardsMisplaced):
        list(migrate_all(moved, SHARDS, moved=True))
    copying, deleting = steps()
    run(copying, old, new, programs)
    list(migrate_all(moved, SHARDS, moved=True))
    settings = load_settings(None, {"CAMP__MYSQL__DSN": "u@tcp(h:1)/d", **BROKERS})
    assert CheckStatus.ERROR in {found.status for found in check_campaigns(moved, settings)}
    run(deleting, old, new, programs)
    assert CheckStatus.ERROR not in {found.status for found in check_campaigns(moved, settings)}
    list(migrate_all(moved, SHARDS))
    assert (claims(new), list(claims(old))) == ({SHARD: before}, [0])
    assert before.claimed == CLAIMED
    with moved.reading() as cursors:
        assert counts(cursors, CAMPAIGN) == {Status.SENT: 1, Status.WAITING: 1}
    with new.reading() as cursor:
        entries = look_up(cursor, {(SHARD, CAMPAIGN): [5, 6, 7]})
        assert {key: entry.status for key, entry in entries.items()} == {
            MessageKey(CAMPAIGN, 5): Status.SENT,
            MessageKey(CAMPAIGN, 6): Status.WAITING,
        }
        assert waiting_seqs(cursor, SHARD, CAMPAIGN, 10) == [6]
    assert (suspects(old), suspects(new)) == ([(8, 0)], [(6, 1)])
