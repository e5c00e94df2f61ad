"""Check that no service is at work, before a migration that services of 0.1.0 cannot follow."""

import time
from collections.abc import Callable
from datetime import datetime

from campaign_common.database import Database
from campaign_common.errors import ServicesRunning
from campaign_common.schema.status import SchemaStatus
from campaign_common.store.maintenance.recent_activity import recent_activity

FIRST = "0001_campaigns"
NEEDS_STOP = "0008_names_and_providers"
"""The migration that renames what services of 0.1.0 use."""

STOPPED_PAUSE = 0.5
"""Seconds between two looks."""

PAGE = "docs/operations/upgrading.md"


def require_stopped(
    database: Database, status: SchemaStatus, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Return once the signs of life in a schema that is to be renamed are old, if there are any.

    A service that was stopped or killed a moment ago leaves signs that grow old within seconds;
    those of one that runs are renewed. One without any work leaves none: it fails afterwards,
    and does no harm.

    Raises:
        ServicesRunning: some are; names them.
        RetryLater: the server is away.
    """
    if FIRST not in status.applied or NEEDS_STOP not in status.pending:
        return
    running = set[str]()
    signs = _read_signs(database)
    while set(signs) - running:
        sleep(STOPPED_PAUSE)
        later = _read_signs(database)
        running |= {name for name, times in later.items() if set(times) - set(signs.get(name, ()))}
        signs = later
    if running:
        raise ServicesRunning(
            f"{', '.join(sorted(running))}: still running, and migration {NEEDS_STOP} renames what"
            " services of the version before use. Stop every API, scheduler and sender, then"
            f" migrate, then start the new ones; see {PAGE}. --force migrates all the same"
        )


def _read_signs(database: Database) -> dict[str, tuple[datetime, ...]]:
    with database.reading() as cursor:
        return recent_activity(cursor)
