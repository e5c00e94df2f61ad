"""Comparison of the schema with the one that this build was written for."""

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

import structlog

from campaign_common.database import Database, Databases
from campaign_common.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated
from campaign_common.schema.placement import configured_placements, contradictions
from campaign_common.store.maintenance.applied_migrations import applied_migrations
from campaign_common.store.shards.shard_placements import read_placements
from campaign_common.store.shards.shard_tables import missing_shard_tables, outdated_ledgers

SCHEMA_PAUSE = 1.0
"""Seconds between two looks of `wait_for_schema`."""

log = structlog.get_logger()


@dataclass(frozen=True)
class SchemaStatus:
    """The parts of this build's schema that the database has and lacks."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    missing_shard_tables: tuple[str, ...]
    outdated_ledgers: tuple[str, ...] = ()

    @property
    def current(self) -> bool:
        """Return whether nothing is missing; migrations of a newer build do no harm."""
        return not (self.pending or self.missing_shard_tables or self.outdated_ledgers)

    def __str__(self) -> str:
        if self.current:
            return f"the schema is up to date ({len(self.applied)} migrations)"
        lacks = [f"migration {name}" for name in self.pending]
        if self.missing_shard_tables:
            first, count = self.missing_shard_tables[0], len(self.missing_shard_tables)
            lacks.append(f"{count} shard tables ({first}, …)" if count > 1 else f"table {first}")
        if self.outdated_ledgers:
            first, count = self.outdated_ledgers[0], len(self.outdated_ledgers)
            lacks.append(f"columns of {count} ledgers ({first}, …)")
        return f"the schema lacks {', '.join(lacks)}; run campaign-db migrate"


def packaged_migrations() -> list[str]:
    """Return the names of this build's migrations, in the order in which they apply."""
    files = resources.files("campaign_common").joinpath("migrations").iterdir()
    names = (file.name for file in files)
    return sorted(
        name.removesuffix(".sql")
        for name in names
        if name.endswith(".sql") and not name.endswith(".rollback.sql")
    )


def schema_status(database: Database, shards: int | Iterable[int]) -> SchemaStatus:
    """Compare a server with this build, for so many shards, or for those that it holds.

    Raises:
        DatabaseUnavailable, DatabaseRefused: it cannot be asked.
    """
    held = range(shards) if isinstance(shards, int) else shards
    with database.reading() as cursor:
        applied = applied_migrations(cursor)
        missing = missing_shard_tables(cursor, held)
        outdated = outdated_ledgers(cursor)
    return SchemaStatus(
        applied=tuple(sorted(applied)),
        pending=tuple(name for name in packaged_migrations() if name not in applied),
        missing_shard_tables=tuple(missing),
        outdated_ledgers=tuple(outdated),
    )


class SchemaCheck:
    """Comparison of every server with this build.

    A server other than the main one that is down does not stop the work for the others. A server
    that was found current stays so, and is not asked again.
    """

    def __init__(self, databases: Databases, shards: int) -> None:
        self._main = databases.main
        self._placements = configured_placements(databases)
        self._shards = shards
        self._shares = databases.shares(range(shards))
        self._current: set[str] = set()

    def require(self) -> None:
        """Do nothing where everybody who answers is up to date.

        Raises:
            SchemaOutdated: something is missing; says where and what, and what to run.
            DatabaseUnavailable: the main server cannot be reached.
            DatabaseRefused: a server does not let this user in.
        """
        for database, held in self._shares:
            if database is not self._main and database.name in self._current:
                continue
            try:
                status = schema_status(database, held)
            except DatabaseRefused:
                raise
            except DatabaseUnavailable as error:
                if database is self._main:
                    raise
                log.warning("database server unavailable", server=database.name, error=str(error))
                continue
            if not status.current:
                where = f"{database.name}: " if len(self._shares) > 1 else ""
                raise SchemaOutdated(f"{where}{status}")
            self._current.add(database.name)
        self._require_placements()

    def _require_placements(self) -> None:
        with self._main.reading() as cursor:
            noted = read_placements(cursor)
        # Of the shards that this configuration knows of: others may have been added since.
        for said in contradictions(noted, self._placements, range(self._shards)):
            raise SchemaOutdated(f"{said}: run campaign-db migrate")


def wait_for_schema(
    databases: Databases,
    shards: int,
    timeout: float = math.inf,
    stop: threading.Event | None = None,
) -> None:
    """Wait up to `timeout` seconds for the main server to be there and every schema current.

    Logs why it waits, once per reason; returns early when `stop` is set.

    Raises:
        SchemaOutdated: something is still missing; says what, and what to run.
        DatabaseUnavailable: the main server still cannot be reached.
        DatabaseRefused: one does not let this user in; waiting would not help.
    """
    stop = stop or threading.Event()
    check = SchemaCheck(databases, shards)
    deadline = time.monotonic() + timeout
    said = ""
    while not stop.is_set():
        try:
            check.require()
        except DatabaseRefused:
            raise
        except (SchemaOutdated, DatabaseUnavailable) as error:
            reason = error
        else:
            return
        if time.monotonic() >= deadline:
            raise reason
        if str(reason) != said:
            said = str(reason)
            log.warning("waiting for schema", reason=said)
        stop.wait(SCHEMA_PAUSE)
