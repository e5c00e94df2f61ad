"""campaign-db's promise: from any earlier state to the current schema, by any number at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest

from campaign_common.database import Database, Databases, named_lock
from campaign_common.dsn import parse_dsn
from campaign_common.errors import (
    DatabaseRefused,
    LockBusy,
    MigrationFailed,
    SchemaOutdated,
    ServicesRunning,
)
from campaign_common.schema import schema_status, wait_for_schema
from campaign_common.schema.migrate import apply_pending, migrate, migrate_all
from campaign_common.schema.status import packaged_migrations
from campaign_common.schema.stopped_services import NEEDS_STOP as RENAMING
from campaign_common.store.maintenance import recent_activity
from tests.integration.common.conftest import Make, read
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.services.previous_version import BEFORE_THE_STOP, PreviousVersion
from tests.support.waiting import wait_until

FIRST_MIGRATION = (
    resources.files("campaign_common").joinpath("migrations/0001_campaigns.sql").read_text()
)
LEDGER_OF_0_1_0 = """
CREATE TABLE messages_7 (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  status       TINYINT UNSIGNED NOT NULL,
  generation   SMALLINT UNSIGNED NOT NULL,
  try_number   SMALLINT UNSIGNED NOT NULL,
  attempts     SMALLINT UNSIGNED NOT NULL,
  provider_message_id VARCHAR(64) CHARACTER SET ascii NULL,
  error_code   VARCHAR(32) CHARACTER SET ascii NULL,
  sent_at      DATETIME(6) NOT NULL,
  in_doubt     TINYINT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (campaign_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
"""
TABLES = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"


@pytest.fixture
def empty(make: Make) -> Database:
    made = make()
    assert read(made, TABLES) == 0
    return made


def test_an_empty_schema_becomes_current_and_stays_so(empty: Database) -> None:
    before = schema_status(empty, 4)
    assert before.pending == tuple(packaged_migrations())
    assert len(before.missing_shard_tables) == 12
    assert "campaign-db migrate" in str(before)

    report = migrate(empty, 4)
    assert report.applied == before.pending
    assert report.created_tables == before.missing_shard_tables
    assert schema_status(empty, 4).current

    tables = read(empty, TABLES)
    again = migrate(empty, 4)
    assert (again.applied, again.created_tables) == ((), ())
    assert read(empty, TABLES) == tables


def test_more_shards_add_their_tables(empty: Database) -> None:
    migrate(empty, 2)
    assert schema_status(empty, 3).missing_shard_tables == (
        "messages_2",
        "message_retries_2",
        "receipts_2",
    )
    migrate(empty, 3)
    assert schema_status(empty, 3).current
    assert read(empty, "SELECT COUNT(*) FROM shard_claims") == 3


def test_fewer_shards_keep_tables_of_receipts(empty: Database) -> None:
    """Campaigns that began with more shards still need them, after an upgrade too."""
    migrate(empty, 4)
    with empty.reading() as cursor:
        cursor.execute("DROP TABLE receipts_0, receipts_1, receipts_2, receipts_3")
    lacking = ("receipts_0", "receipts_1", "receipts_2", "receipts_3")
    assert schema_status(empty, 2).missing_shard_tables == lacking
    assert migrate(empty, 2).created_tables == lacking
    assert schema_status(empty, 2).current
    assert read(empty, "SELECT COUNT(*) FROM receipts_3") == 0


def test_several_at_once_migrate_once(empty: Database, make: Make) -> None:
    begin = threading.Barrier(4)

    def migrate_with_the_others() -> int:
        database = make()
        begin.wait(timeout=10)
        return len(migrate(database, 4).applied)

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(migrate_with_the_others) for _ in range(4)]
        applied = sorted(one.result(timeout=60) for one in done)
    assert applied == [0, 0, 0, len(packaged_migrations())]
    assert schema_status(empty, 4).current


def test_waiting_for_another_one_is_bounded(empty: Database) -> None:
    with named_lock(empty, "schema", wait=0), pytest.raises(LockBusy):
        migrate(empty, 4, wait=0.2)


def test_half_made_tables_of_the_migrations_are_made_again(empty: Database) -> None:
    """Tables of the migrations that a killed process left half made are made again."""
    with empty.reading() as cursor:
        cursor.execute("CREATE TABLE _yoyo_migration (id VARCHAR(191) PRIMARY KEY)")
        cursor.execute("CREATE TABLE _yoyo_log (id VARCHAR(36) PRIMARY KEY)")
    migrate(empty, 2)
    assert schema_status(empty, 2).current


def test_a_refused_statement_names_its_migration_and_is_undone(
    empty: Database, tmp_path: Path
) -> None:
    migrate(empty, 2)
    tables = read(empty, TABLES)
    (tmp_path / "0900_wrong.sql").write_text("CREATE TABLE extra (id INT);\nSELECT nonsense;\n")
    (tmp_path / "0900_wrong.rollback.sql").write_text("SELECT 1;\nDROP TABLE extra;\n")
    with pytest.raises(MigrationFailed, match="0900_wrong: Unknown column"):
        apply_pending(empty, ["0900_wrong"], str(tmp_path))
    assert read(empty, TABLES) == tables
    assert "0900_wrong" not in schema_status(empty, 2).applied


def test_a_newer_schema_does_not_stop_an_older_build(empty: Database, tmp_path: Path) -> None:
    migrate(empty, 2)
    (tmp_path / "0900_newer.sql").write_text("CREATE TABLE extra (id INT);\n")
    apply_pending(empty, ["0900_newer"], str(tmp_path))
    assert "0900_newer" in schema_status(empty, 2).applied
    assert schema_status(empty, 2).current


def test_a_service_refuses_an_old_schema_and_says_what_to_run(empty: Database) -> None:
    with pytest.raises(SchemaOutdated, match="run campaign-db migrate"):
        wait_for_schema(Databases((empty,)), 2, timeout=0)


def test_a_service_waits_until_the_schema_is_there(empty: Database, make: Make) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_for_schema, Databases((make(),)), 2, 60)
        migrate(empty, 2)
        waiting.result(timeout=60)


def test_waiting_ends_when_told_to_stop(empty: Database) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_for_schema, Databases((empty,)), 2, 60, stop)
        stop.set()
        waiting.result(timeout=10)


def test_waiting_does_not_outwait_a_wrong_schema_name(make: Make, empty: Database) -> None:
    with empty.reading() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS camp_dropped_again")
        cursor.execute("DROP DATABASE camp_dropped_again")
    gone = make(dsn=empty.settings.dsn.without_database().as_user("nobody", ""))
    with pytest.raises(DatabaseRefused):
        wait_for_schema(Databases((gone,)), 2, timeout=60)


def test_tables_that_a_killed_migrate_left_behind_do_no_harm(empty: Database) -> None:
    first = next(part for part in FIRST_MIGRATION.split(";") if "CREATE TABLE" in part)
    with empty.reading() as cursor:
        cursor.execute(first)
    migrate(empty, 2)
    assert schema_status(empty, 2).current


def test_a_migration_killed_before_it_was_noted_is_repeated(empty: Database) -> None:
    """A migration that was killed before it was noted is applied again."""
    migrate(empty, 2)
    columns = "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
    before = read(empty, columns)
    with empty.reading() as cursor:
        cursor.execute("DELETE FROM _yoyo_migration")
    assert migrate(empty, 2).applied == tuple(packaged_migrations())
    assert read(empty, columns) == before


def test_a_rename_killed_before_it_was_noted_is_repeated(empty: Database) -> None:
    """The look for services at work does without what the migration has renamed already."""
    migrate(empty, 2)
    before = definitions(empty)
    with empty.reading() as cursor:
        cursor.execute("DELETE FROM _yoyo_migration WHERE migration_id = %s", (RENAMING,))
    assert migrate(empty, 2).applied == (RENAMING,)
    assert definitions(empty) == before


def test_a_table_with_both_of_its_names_is_not_passed_over(empty: Database, tmp_path: Path) -> None:
    """A backup of 0.1.0 that was restored over the new schema holds data under the old name."""
    apply_0_1_0(empty, tmp_path)
    with empty.reading() as cursor:
        cursor.execute("CREATE TABLE possibly_sent (id INT)")
    with pytest.raises(MigrationFailed, match="possibly_sent"):
        migrate(empty, 2)
    with empty.reading() as cursor:
        cursor.execute("DROP TABLE possibly_sent")
    migrate(empty, 2)
    assert schema_status(empty, 2).current


def definitions(database: Database) -> set[tuple[object, ...]]:
    """Every column and every index, wherever in its table a column stands."""
    with database.reading() as cursor:
        cursor.execute(
            "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT,"
            " COLLATION_NAME FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE '\\_yoyo%'"
        )
        columns = set(cursor.fetchall())
        cursor.execute(
            "SELECT TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME FROM"
            " information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()"
            " AND TABLE_NAME NOT LIKE '\\_yoyo%'"
        )
        return columns | set(cursor.fetchall())


def apply_0_1_0(database: Database, folder: Path) -> list[str]:
    """Make the tables of 0.1.0, with a shard's ledger of its own; return its migrations."""
    PreviousVersion(folder, BEFORE_THE_STOP)
    older = folder / "previous" / "campaign_common" / "migrations"
    names = [file.stem for file in older.glob("*.sql") if ".rollback" not in file.name]
    apply_pending(database, names, str(older))
    with database.reading() as cursor:
        cursor.execute(LEDGER_OF_0_1_0)
        cursor.execute("INSERT INTO messages_7 VALUES (5, 1, 1, 0, 1, 1, 'x', NULL, NOW(6), 0)")
        cursor.execute(
            "INSERT INTO shard_claims (shard, owner_token, claimed, moved_at)"
            " VALUES (7, '', 'packed', NOW(6) - INTERVAL 1 HOUR)"
        )
    return names


def test_a_schema_of_0_1_0_becomes_the_same_as_a_new_one(
    empty: Database, make: Make, database_server: SchemaServer, tmp_path: Path
) -> None:
    names = apply_0_1_0(empty, tmp_path)
    assert schema_status(empty, 8).outdated_ledgers == ("messages_7",)
    with empty.transaction() as cursor:
        cursor.execute(
            "INSERT INTO recipient_lists (name, state, created_at, progressed_at)"
            " VALUES ('old', 'ready', NOW(6), NOW(6))"
        )
        cursor.execute("INSERT INTO recipients (list_id, seq, phone, name) VALUES (1, 1, '1', '')")
    migrated = migrate(empty, 8)
    assert not set(names) & set(migrated.applied)
    assert migrated.altered_tables == ("messages_7",)
    assert read(empty, "SELECT provider IS NULL AND provider_message_id = 'x' FROM messages_7") == 1
    assert read(empty, "SELECT claimed FROM shard_claims WHERE shard = 7") == b"packed"
    assert read(empty, "SELECT has_name FROM recipient_lists") == 1
    assert read(empty, "SELECT erased_shard_count IS NULL FROM recipients") == 1
    assert schema_status(empty, 8).current
    with fresh_schema(database_server.dsn) as dsn:
        new = make(dsn=parse_dsn(dsn))
        migrate(new, 8)
        assert definitions(empty) == definitions(new)
        new.close()


def test_a_rename_that_is_refused_half_way_is_undone(empty: Database, tmp_path: Path) -> None:
    """Services of 0.1.0 can be started again, and the migration can be repeated."""
    apply_0_1_0(empty, tmp_path)
    before = definitions(empty)
    with empty.reading() as cursor:
        cursor.execute("RENAME TABLE late_results TO elsewhere")
    with pytest.raises(MigrationFailed, match=RENAMING):
        migrate(empty, 2)
    with empty.reading() as cursor:
        cursor.execute("RENAME TABLE elsewhere TO late_results")
    assert before <= definitions(empty)
    migrate(empty, 2)
    assert schema_status(empty, 2).current


CLAIM = "UPDATE shard_claims SET owner_name = 'sender-1', moved_at = NOW(6) WHERE shard = 7"


def test_nothing_is_renamed_while_a_sender_moves_claims(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_activity, "RECENT", 1)
    apply_0_1_0(empty, tmp_path)
    before = definitions(empty)
    stopped = threading.Event()

    def send() -> None:
        while not stopped.wait(0.1):
            empty.run(lambda cursor: cursor.execute(CLAIM))

    with ThreadPoolExecutor(1) as threads:
        sender = threads.submit(send)
        wait_until(lambda: read(empty, "SELECT MAX(owner_name) FROM shard_claims") == "sender-1")
        try:
            with pytest.raises(ServicesRunning, match=r"^sender sender-1: still running"):
                migrate(empty, 2)
        finally:
            stopped.set()
        sender.result()
    assert definitions(empty) == before
    assert RENAMING in migrate(empty, 2).applied, "its last sign has grown old"


def test_force_renames_in_spite_of_a_sign(empty: Database, tmp_path: Path) -> None:
    apply_0_1_0(empty, tmp_path)
    empty.run(lambda cursor: cursor.execute(CLAIM))
    (report,) = migrate_all(Databases((empty,)), 2, force=True)
    assert RENAMING in report.applied


@pytest.mark.parametrize("shards", [2, 64])
def test_the_view_shows_every_recipient_with_its_status(empty: Database, shards: int) -> None:
    migrate(empty, shards)
    with empty.transaction() as cursor:
        cursor.execute(
            "INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state,"
            " last_seq, created_at) VALUES (5, '', '', 9, '', '', 'running', 2, NOW(6))"
        )
        cursor.execute("INSERT INTO recipients VALUES (9, 1, '111', 'a', NULL, NULL, NULL)")
        cursor.execute("INSERT INTO recipients VALUES (9, 2, '222', 'b', NULL, NULL, NULL)")
        cursor.execute(
            "INSERT INTO messages_1 VALUES (5, 2, 1, 0, 1, 1, 'x', NULL, NOW(6), 0, NULL)"
        )
        cursor.execute("SELECT seq, phone, status FROM campaign_messages ORDER BY seq")
        assert list(cursor.fetchall()) == [(1, "111", 0), (2, "222", 1)]
