"""Senders that lease grants for some time, and what that takes of the database."""

import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from benchmarks.measuring import Show
from benchmarks.results import Run, note_latencies
from benchmarks.sampling import sampled
from benchmarks.site import DATABASE, Site
from benchmarks.timed_database import TimedDatabase
from benchmarks.traffic import counted_statements


class LeasingSender(Protocol):
    """One sender, which counts the units that it takes of what it is granted."""

    taken: int

    def start(self) -> None:
        """Start to lease, and to take."""

    def stop(self) -> None:
        """Stop both."""


class Leased(NamedTuple):
    """Time in seconds, units and leases of all senders."""

    seconds: float
    taken: int
    leases: int


def lease(
    site: Site,
    show: Show,
    run: Run,
    database: TimedDatabase,
    senders: Sequence[LeasingSender],
    *,
    settling: float,
    seconds: float,
) -> Leased:
    """Have senders lease for some seconds after those until their first grants.

    Notes the waits, the statements and the share of a core, and closes the database.
    """
    try:
        for one in senders:
            one.start()
        show("settling", 0, 1)
        time.sleep(settling)
        database.waits.clear()
        for one in senders:
            one.taken = 0
        began = time.monotonic()
        with sampled(site.servers) as usage, counted_statements(site, run, seconds):
            while time.monotonic() < began + seconds:
                show("leasing", time.monotonic() - began, seconds)
                time.sleep(0.2)
        took = time.monotonic() - began
        waits, taken = list(database.waits), sum(one.taken for one in senders)
    finally:
        for one in senders:
            one.stop()
        database.close()
    note_latencies(run, "a lease", waits)
    if DATABASE in usage.seconds:
        run.note("share of a core of the database", 100 * usage.seconds[DATABASE] / took, "%")
    return Leased(took, taken, len(waits))
