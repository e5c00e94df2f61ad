"""Whether the schema is the one that this build was written for."""

import math
import threading
import time
from dataclasses import dataclass
from importlib import resources

import structlog

from campaign_common.database import Database
from campaign_common.errors import DatabaseUnavailable, SchemaOutdated
from campaign_common.store.applied_migrations import applied_migrations
from campaign_common.store.shard_tables import missing_shard_tables

PAUSE = 1.0
"""Seconds between two looks of `wait_for_schema`."""

log = structlog.get_logger()


@dataclass(frozen=True)
class SchemaStatus:
    """What the database has and lacks of this build's schema."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    missing_shard_tables: tuple[str, ...]

    @property
    def current(self) -> bool:
        """Tell whether nothing is missing; migrations of a newer build do no harm."""
        return not self.pending and not self.missing_shard_tables

    def __str__(self) -> str:
        if self.current:
            return f"the schema is up to date ({len(self.applied)} migrations)"
        lacks = [f"migration {name}" for name in self.pending]
        if self.missing_shard_tables:
            first, count = self.missing_shard_tables[0], len(self.missing_shard_tables)
            lacks.append(f"{count} shard tables ({first}, …)" if count > 1 else f"table {first}")
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


def schema_status(database: Database, shards: int) -> SchemaStatus:
    """Compare the database with this build, for `shards` shards.

    Raises:
        DatabaseUnavailable, DatabaseRefused: it cannot be asked.
    """
    with database.reading() as cursor:
        applied = applied_migrations(cursor)
        missing = missing_shard_tables(cursor, shards)
    return SchemaStatus(
        applied=tuple(sorted(applied)),
        pending=tuple(name for name in packaged_migrations() if name not in applied),
        missing_shard_tables=tuple(missing),
    )


def wait_for_schema(
    database: Database,
    shards: int,
    timeout: float = math.inf,
    stop: threading.Event | None = None,
) -> None:
    """Wait up to `timeout` seconds for the database to be there and its schema current.

    Logs why it waits, once per reason; returns early when `stop` is set.

    Raises:
        SchemaOutdated: something is still missing; says what, and what to run.
        DatabaseUnavailable: the database still cannot be reached.
        DatabaseRefused: it does not let this user in; waiting would not help.
    """
    stop = stop or threading.Event()
    deadline = time.monotonic() + timeout
    said = ""
    while not stop.is_set():
        try:
            status = schema_status(database, shards)
            if status.current:
                return
            reason: SchemaOutdated | DatabaseUnavailable = SchemaOutdated(str(status))
        except DatabaseUnavailable as error:
            reason = error
        if time.monotonic() >= deadline:
            raise reason
        if str(reason) != said:
            said = str(reason)
            log.warning("waiting_for_schema", reason=said)
        stop.wait(PAUSE)
