"""Bringing the schema up to date: yoyo's migrations, then the tables of each shard."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pymysql.err import Error
from yoyo import read_migrations

from campaign_common.database import Database
from campaign_common.database.failures import translated
from campaign_common.database.limits import Limits
from campaign_common.errors import CampaignError, LockBusy
from campaign_common.schema.status import packaged_migrations, schema_status
from campaign_common.schema.yoyo_backend import DsnBackend
from campaign_common.store.named_locks import release_lock, take_lock
from campaign_common.store.shard_tables import ensure_shards

SOURCE = "package:campaign_common:migrations"
LOCK_NAME = "schema"
LONGEST_STATEMENT = 3600.0
"""Seconds that one statement of a migration may take: altering a large table is slow."""


@dataclass(frozen=True)
class MigrationReport:
    """What a migration changed."""

    applied: tuple[str, ...]
    created_tables: tuple[str, ...]


def migrate(database: Database, shards: int, *, wait: float = 60.0) -> MigrationReport:
    """Apply what is pending and create what is missing of the tables of `shards` shards.

    Doing it again changes nothing. Of several at once, one works and the others wait for
    up to `wait` seconds.

    Raises:
        LockBusy: another one is still at work.
        DatabaseUnavailable, DatabaseRefused, DatabaseFull: as everywhere.
        MigrationFailed: a statement was refused; names the migration.
    """
    with _alone(database, wait):
        before = schema_status(database, shards)
        _apply(database, before.pending)
        # Data definition commits by itself, so there is no transaction to speak of here.
        with database.reading(timeout=LONGEST_STATEMENT) as cursor:
            ensure_shards(cursor, shards)
    return MigrationReport(before.pending, before.missing_shard_tables)


def _apply(database: Database, pending: tuple[str, ...]) -> None:
    if not pending:
        return
    migrations = read_migrations(SOURCE)
    with translated():
        backend = DsnBackend.of(database.settings.dsn, Limits.uniform(LONGEST_STATEMENT))
        with backend:
            for migration in migrations:
                if migration.id in pending:
                    _apply_one(backend, migration)
