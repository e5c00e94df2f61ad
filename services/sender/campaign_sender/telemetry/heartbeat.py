"""Heartbeat row of this sender, read by /v1/stats, `campaign doctor` and `campaign-db hold`."""

from collections.abc import Callable, Mapping
from functools import partial

from campaign_common.database import Cursor, Database
from campaign_common.runtime.periodic_thread import PeriodicThread
from campaign_common.store.maintenance.statistics import (
    ProviderStatistics,
    forget_sender,
    note_sender,
)

INTERVAL = 5.0
"""Seconds between two heartbeats; the statistics show a sender as gone after three times this."""


def sender_heartbeat(
    owner_name: str,
    database: Database,
    problems: Callable[[], Mapping[str, str | None]],
    statistics: Callable[[], Mapping[str, ProviderStatistics]],
    routes: Mapping[str, Mapping[str, str]] | None = None,
) -> PeriodicThread:
    """Return the thread that writes the heartbeat row, and deletes it in an orderly stop.

    `problems` returns what keeps this sender from sending, `statistics` how its sends have gone, by
    the provider's name; `routes` are those of its configuration.
    """

    def run(change: Callable[[Cursor, str], None]) -> None:
        with database.transaction() as cursor:
            change(cursor, owner_name)

    def note(cursor: Cursor, name: str) -> None:
        note_sender(cursor, name, problems(), statistics(), routes)

    return PeriodicThread(
        "heartbeat",
        INTERVAL,
        partial(run, note),
        at_once=True,
        at_end=partial(run, forget_sender),
    )
