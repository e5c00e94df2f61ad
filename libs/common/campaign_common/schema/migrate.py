"""Bringing the schema up to date: yoyo's migrations, then the tables of each shard."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pymysql.err import Error
from yoyo.exceptions import BadMigration
from yoyo.migrations import Migration, read_migrations

from campaign_common.database import Database, Databases, named_lock
from campaign_common.database.failures import meaning_of, translated
from campaign_common.database.limits import Limits
from campaign_common.errors import MigrationFailed, StatementRefused
from campaign_common.schema.placement import intended_placements, note_placements
from campaign_common.schema.status import schema_status
from campaign_common.schema.stopped_services import require_stopped
from campaign_common.schema.yoyo_backend import DsnBackend
from campaign_common.store.maintenance.applied_migrations import drop_bookkeeping
from campaign_common.store.shards.shard_tables import (
    alter_ledgers,
    ensure_receipts,
    ensure_shards,
    make_view,
)

SOURCE = "package:campaign_common:migrations"
LONGEST_MIGRATION = 3600.0
"""Seconds that one statement of a migration may take: altering a large table is slow."""


@dataclass(frozen=True)
class MigrationReport:
    """The changes that a migration made."""

    applied: tuple[str, ...]
    created_tables: tuple[str, ...]
    altered_tables: tuple[str, ...] = ()


def migrate(database: Database, shards: int, *, wait: float = 60.0) -> MigrationReport:
    """Apply what is pending and create what is missing, where one server holds all shards.

    Doing it again changes nothing. Of several at once, one works and the others wait for
    up to `wait` seconds.

    Raises:
        LockBusy: another one is still at work.
        DatabaseUnavailable, DatabaseRefused, DatabaseFull: as everywhere.
        MigrationFailed: a statement was refused; names the migration.
    """
    (report,) = migrate_all(Databases((database,)), shards, wait=wait)
    return report


def migrate_all(
    databases: Databases,
    shards: int,
    *,
    wait: float = 60.0,
    moved: bool = False,
    force: bool = False,
) -> Iterator[MigrationReport]:
    """Migrate one server after the other, the main one first; raises what `migrate` raises.

    Every server has all tables, those of the shards that it holds among them; the view is made
    on the main one, which holds the recipients. `moved`: as for `intended_placements`. `force`:
    even if services of 0.1.0 seem to run.

    Raises:
        ServicesRunning: they do; nothing was changed on any server.
        ShardsMisplaced: a shard's data is not where the configuration has it; no tables of
            shards were made.
    """
    shares = databases.shares(range(shards))
    lacking = []
    for database, held in shares:
        # Of all servers first: one that refuses leaves every other one as it was.
        if not force:
            with named_lock(database, "schema", wait=wait):
                require_stopped(database, schema_status(database, held))
    for database, held in shares:
        with named_lock(database, "schema", wait=wait):
            lacking.append(schema_status(database, held))
            apply_pending(database, lacking[-1].pending)
    placements = intended_placements(databases, shards, moved=moved)
    for (database, held), before in zip(shares, lacking, strict=True):
        # Each DDL statement commits implicitly, so there is no transaction here.
        with (
            named_lock(database, "schema", wait=wait),
            database.reading(timeout=LONGEST_MIGRATION) as cursor,
        ):
            altered = alter_ledgers(cursor)
            ensure_shards(cursor, held)
            ensure_receipts(cursor)
            if database is databases.main:
                make_view(cursor, databases.remote_shards)
        yield MigrationReport(before.pending, before.missing_shard_tables, altered)
    note_placements(databases.main, placements)


def apply_pending(database: Database, pending: Collection[str], source: str = SOURCE) -> None:
    """Apply the migrations of `source` that `pending` names; the caller is alone at it."""
    if not pending:
        return
    with database.reading() as cursor:
        drop_bookkeeping(cursor)
    with translated():
        backend = DsnBackend.of(database.settings.dsn, Limits.uniform(LONGEST_MIGRATION))
        with backend:
            for migration in read_migrations(source):
                if migration.id in pending:
                    _apply_one(backend, migration)


def _apply_one(backend: DsnBackend, migration: Migration) -> None:
    try:
        backend.apply_one(migration)
    except (BadMigration, Error) as error:
        meaning = meaning_of(error) if isinstance(error, Error) else None
        if meaning is not None and not isinstance(meaning, StatementRefused):
            raise
        reason = error.args[-1] if error.args else error
        raise MigrationFailed(f"migration {migration.id}: {reason}") from error
