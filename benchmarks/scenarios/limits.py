"""The cost of leasing what one provider may be sent, by as many senders as a large site has."""

import threading
import time
from decimal import Decimal

import click

from benchmarks.leasing import lease
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.sampling import sampled
from benchmarks.sink import boot_time
from benchmarks.site import DATABASE, Site
from benchmarks.timed_database import TimedDatabase
from campaign_common.database import Database
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.errors import RetryLater
from campaign_common.settings import MysqlSettings
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.provider_limiter import ProviderLimiter

SETTLING = 4.0
"""Seconds until the first slots with grants."""

TAKING = 0.01
"""Seconds between two looks of a sender for grants that are due."""

NEVER_USED_UP = 1_000_000_000
"""Units of a day."""

SECOND, DAY, BOTH = "per second", "per day", "per second and day"


def limits_of(kind: str, rate: int) -> ProviderLimits:
    """Return the limits of a case."""
    return ProviderLimits(
        per_second=None if kind == DAY else Decimal(rate),
        per_day=None if kind == SECOND else NEVER_USED_UP,
    )


@click.command("limits")
@click.option("--senders", default=64, show_default=True)
@click.option("--rate", default=500, show_default=True, help="Units a second.")
@click.option("--seconds", default=20.0, show_default=True)
@click.option("--kind", multiple=True, default=(SECOND, DAY, BOTH), show_default=True)
@measuring_options
def limits(
    measuring: Measuring, senders: int, rate: int, seconds: float, kind: tuple[str, ...]
) -> None:
    """Lease the limits of a provider with many senders: processor time of the database, waits."""
    measuring.measure("limits", [case(each, senders, rate, seconds) for each in kind])


def case(kind: str, senders: int, rate: int, seconds: float) -> Case:
    """Make the case of one kind of limits, and of some senders at a rate."""

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        database = TimedDatabase(MysqlSettings(dsn=site.dsn, active=senders, idle=senders))
        show("idle", 0, 1)
        with sampled(site.servers) as idle:
            time.sleep(SETTLING)
        limits = limits_of(kind, rate)
        leasing = [LimitedSender(database, n, limits, rate / senders) for n in range(senders)]
        leased = lease(site, show, run, database, leasing, settling=SETTLING, seconds=seconds)
        if DATABASE in idle.seconds:
            at_rest = 100 * idle.seconds[DATABASE] / SETTLING
            run.note("share of a core of the idle database", at_rest, "%")
        run.note("units taken", leased.taken / leased.seconds, "/s")
        run.note("leases", leased.leases / leased.seconds, "/s")
        return run

    label = f"{kind}, {senders} senders, {rate} units/s"
    return Case(label, measure, {"kind": kind, "senders": senders, "rate": rate})


class LimitedSender:
    """One sender's limiter, and a thread that uses what it is granted.

    `rate`: units a second that the sender would send. It has twice as much waiting.
    """

    def __init__(
        self, database: Database, number: int, limits: ProviderLimits, rate: float
    ) -> None:
        sender = f"{number * 1021:016x}"
        self._limiter = ProviderLimiter(database, "http", sender, limits, DatabaseClock(boot_time))
        self._rate = rate
        self._waiting = max(1, int(2 * rate))
        self.taken = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Start to lease, and to take."""
        self._thread.start()

    def stop(self) -> None:
        """Stop both."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        began, used = time.monotonic(), 0
        while not self._stop.is_set():
            try:
                pause = self._limiter.turn(self._waiting)
            except RetryLater:
                continue
            until = time.monotonic() + pause
            while not self._stop.wait(max(0.0, min(TAKING, until - time.monotonic()))):
                due = int((time.monotonic() - began) * self._rate) + self._waiting - used
                taken = self._limiter.take(due) if due > 0 else None
                if taken is not None:
                    used += taken.units
                    self.taken += taken.units
                if time.monotonic() >= until:
                    break
