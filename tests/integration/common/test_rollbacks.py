"""Rollback files: each undoes its migration, so that an older version finds its own schema."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from yoyo.migrations import Migration, MigrationList, read_migrations

from campaign_common.database import Database
from campaign_common.database.limits import Limits
from campaign_common.dsn import parse_dsn
from campaign_common.schema.migrate import LONGEST_MIGRATION, SOURCE, apply_pending, migrate
from campaign_common.schema.yoyo_backend import DsnBackend
from campaign_common.settings import MysqlSettings
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.schemas import connected, recorded

LAST_WITHOUT = "0008"
"""The last migration of 0.2.0, which a roll-back never goes behind."""

MOMENT = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?'")
RECEIPTS = """
SELECT COUNT(*) FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'receipts\\_%'
"""
BOOKKEEPING = re.compile(r"\b_?yoyo_")


@pytest.fixture
def database(database_server: SchemaServer) -> Iterator[Database]:
    with fresh_schema(database_server.dsn) as dsn:
        database = Database(MysqlSettings(dsn=parse_dsn(dsn)))
        yield database
        database.close()


def test_each_migration_is_undone_by_its_rollback(database: Database) -> None:
    """In reverse, each leaves what was there before it; applied again, they give the same."""
    migrations = MigrationList(read_migrations(SOURCE))
    newer = [one for one in migrations if one.id[: len(LAST_WITHOUT)] > LAST_WITHOUT]
    apply_pending(database, [one.id for one in migrations if one not in newer])
    before = {}
    for migration in newer:
        before[migration.id] = definitions(database)
        apply_pending(database, [migration.id])
    after = definitions(database)
    states = {tuple(one) for one in (*before.values(), after)}
    assert len(states) == len(newer) + 1, "a migration changes nothing that is compared"
    for migration in reversed(newer):
        undo(database, migration)
        assert definitions(database) == before[migration.id], f"after the undoing of {migration.id}"
    apply_pending(database, [one.id for one in newer])
    assert definitions(database) == after


def test_undoing_receipts_leaves_none(database: Database) -> None:
    """Neither their tables nor commands about them, which no older sender understands."""
    migrate(database, 3)
    assert read_all(database, RECEIPTS) == ((3,),)
    kinds = ("receipts", "retry_receipts", "retry")
    with database.transaction() as cursor:
        cursor.execute("INSERT INTO receipts_0 VALUES (1, 1, 0, 4, 0, NULL, NULL, NULL)")
        cursor.executemany(
            "INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)"
            " VALUES (0, 1, %s, '{}', NOW(6))",
            kinds,
        )
    (migration,) = [one for one in read_migrations(SOURCE) if one.id == "0018_receipts"]
    for _ in range(2):  # also without any table
        undo(database, migration)
        assert read_all(database, RECEIPTS) == ((0,),)
        assert read_all(database, "SELECT kind FROM shard_commands") == (("retry",),)
        apply_pending(database, [migration.id])
    migrate(database, 3)
    assert read_all(database, "SELECT COUNT(*) FROM receipts_0") == ((0,),)


def test_undoing_no_receipt_leaves_states_of_before(database: Database) -> None:
    """In every table, and in the counters, as if the time of receipts had not been over."""
    shards = (0, 1, 19, 20, 21)
    migrate(database, shards[-1] + 1)
    with database.transaction() as cursor:
        for shard in shards:
            cursor.executemany(
                f"INSERT INTO receipts_{shard} (campaign_id, seq, generation, receipt_rank, state)"
                " VALUES (%s, %s, 0, %s, %s)",
                [(1, 1, 0, 3), (1, 2, 2, 3), (1, 3, 2, 1), (1, 4, 4, 2), (2, 1, 2, 3)],
            )
        cursor.executemany(
            "INSERT INTO receipt_counters (campaign_id, shard, state, receipt_rank, n)"
            " VALUES (1, %s, %s, %s, %s)",
            [
                (shard, state, rank, 1)
                for shard in shards
                for state, rank in ((3, 0), (3, 2), (1, 2), (2, 4))
            ],
        )
        cursor.execute("INSERT INTO receipt_counters VALUES (2, 0, 3, 2, 1)")
    (migration,) = [one for one in read_migrations(SOURCE) if one.id == "0024_bounces"]
    undo(database, migration)
    for shard in shards:
        receipts = f"SELECT campaign_id, seq, receipt_rank, state FROM receipts_{shard}"
        assert read_all(database, receipts) == (
            (1, 1, 0, 0),
            (1, 2, 2, 1),
            (1, 3, 2, 1),
            (1, 4, 4, 2),
            (2, 1, 2, 1),
        )
    counters = "SELECT campaign_id, shard, state, receipt_rank, n FROM receipt_counters"
    of_first = [(1, shard, *rest) for shard in shards for rest in ((1, 2, 2), (2, 4, 1))]
    assert read_all(database, counters) == (*of_first, (2, 0, 1, 2, 1))


def read_all(database: Database, statement: str) -> tuple[tuple[object, ...], ...]:
    with database.reading() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchall())


def undo(database: Database, migration: Migration) -> None:
    with backend_of(database) as backend:
        backend.rollback_one(migration)


@contextmanager
def backend_of(database: Database) -> Iterator[DsnBackend]:
    backend = DsnBackend.of(database.settings.dsn, Limits.uniform(LONGEST_MIGRATION))
    with backend:
        yield backend


def definitions(database: Database) -> list[str]:
    """Return the statements that make the tables and their rows, without the bookkeeping."""
    with closing(connected(database.settings.dsn)) as connection:
        statements = MOMENT.sub("MOMENT", recorded(connection)).split(";\n")
    return sorted(one for one in statements if not BOOKKEEPING.search(one))
