"""The cost of leasing slots of one provider, by as many senders as a large installation has."""

import threading
import time
from decimal import Decimal
from itertools import islice

import click

from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run, note_latencies
from benchmarks.sampling import sampled
from benchmarks.sink import boot_time
from benchmarks.site import DATABASE, Site
from campaign_common.database import Database
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.errors import RetryLater
from campaign_common.settings import MysqlSettings
from campaign_sender.limiting.slot_lease import SlotLease

SETTLING = 4.0
"""Seconds until the first slots with grants."""

TAKING = 0.01
"""Seconds between two looks of a sender for grants that are due."""


@click.command("limits")
@click.option("--senders", default=64, show_default=True)
@click.option("--rate", default=500, show_default=True, help="Grants a second.")
@click.option("--seconds", default=20.0, show_default=True)
@measuring_options
def limits(measuring: Measuring, senders: int, rate: int, seconds: float) -> None:
    """Lease slots of one provider with many senders: processor time of the database, waits."""
    measuring.measure("limits", [case(senders, rate, seconds)])


def case(senders: int, rate: int, seconds: float) -> Case:
    """Make the case of some senders at a rate."""

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        database = Database(MysqlSettings(dsn=site.dsn, active=senders, idle=senders))
        show("idle", 0, 1)
        with sampled(site.servers) as idle:
            time.sleep(SETTLING)
        leasing = [Leasing(database, number, rate, senders) for number in range(senders)]
        try:
            for one in leasing:
                one.thread.start()
            show("settling", 0, 1)
            time.sleep(SETTLING)
            for one in leasing:
                one.waits.clear()
                one.taken = 0
            began = time.monotonic()
            with sampled(site.servers) as usage:
                while time.monotonic() < began + seconds:
                    show("leasing", time.monotonic() - began, seconds)
                    time.sleep(0.2)
            took = time.monotonic() - began
        finally:
            for one in leasing:
                one.stop.set()
            for one in leasing:
                one.thread.join()
            database.close()
        note_latencies(run, "a turn", [wait for one in leasing for wait in one.waits])
        if DATABASE in usage.seconds:
            share = 100 * usage.seconds[DATABASE] / took
            at_rest = 100 * idle.seconds[DATABASE] / SETTLING
            run.note("share of a core of the database", share, "%")
            run.note("share of a core of the idle database", at_rest, "%")
        run.note("grants taken", sum(one.taken for one in leasing) / took, "/s")
        run.note("turns", sum(len(one.waits) for one in leasing) / took, "/s")
        return run

    return Case(f"{senders} senders at {rate}/s", measure, {"senders": senders, "rate": rate})


class Leasing:
    """One sender's lease, and a thread that uses it."""

    def __init__(self, database: Database, number: int, rate: int, senders: int) -> None:
        self._lease = SlotLease(database, "http", f"{number * 1021:016x}", boot_time)
        self._limits = ProviderLimits(per_second=Decimal(rate))
        self._wanted = max(1, 2 * rate // senders)
        self.waits: list[float] = []
        self.taken = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                self._lease.turn(self._limits, self._wanted)
            except RetryLater:
                continue
            self.waits.append(1000 * (time.monotonic() - began))
            until = time.monotonic() + self._lease.pause(self._wanted)
            while not self.stop.wait(max(0.0, min(TAKING, until - time.monotonic()))):
                due = iter(lambda: self._lease.take(1), None)
                self.taken += len(list(islice(due, self._wanted)))
                if time.monotonic() >= until:
                    break
