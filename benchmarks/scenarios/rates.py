"""The cost of leasing the rates of many campaigns."""

import threading
from decimal import Decimal

import click

from benchmarks.leasing import lease
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.sink import boot_time
from benchmarks.site import Site
from benchmarks.timed_database import TimedDatabase
from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignEpoch, CampaignId, CampaignState, Delivery
from campaign_common.domain.limits.campaign_pace import CampaignPace
from campaign_common.settings import MysqlSettings
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.rate_leases import RateLeases

SETTLING = 6.0
"""Seconds until the first slots with grants."""

TAKING = 0.05
"""Seconds between two looks for grants that are due."""

FIRST_CAMPAIGN = 1_000

INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, epoch, shards,
                       last_seq, max_rate, created_at)
VALUES (%s, '', '', 1, 'at_least_once', 'simulated', 'running', 1, 8, 1, %s, NOW(6))
"""


@click.command("rates")
@click.option("--campaigns", default=1_000, show_default=True)
@click.option("--rate", default=2, show_default=True, help="Of each, in messages a second.")
@click.option("--senders", multiple=True, default=(1, 4), show_default=True)
@click.option("--seconds", default=20.0, show_default=True)
@measuring_options
def rates(
    measuring: Measuring, campaigns: int, rate: int, senders: tuple[int, ...], seconds: float
) -> None:
    """Lease the rates of many campaigns: statements, processor time of the database, waits."""
    measuring.measure("rates", [case(campaigns, rate, each, seconds) for each in senders])


def case(campaigns: int, rate: int, senders: int, seconds: float) -> Case:
    """Make the case of some campaigns, each of which has messages in every sender."""
    ids = [CampaignId(FIRST_CAMPAIGN + n) for n in range(campaigns)]

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        with site.connection() as cursor:
            cursor.execute("DELETE FROM campaigns")
            cursor.executemany(INSERT_CAMPAIGN, [(one, rate) for one in ids])
        database = TimedDatabase(MysqlSettings(dsn=site.dsn, active=senders, idle=senders))
        leasing = [RatedSender(database, number, ids, rate) for number in range(senders)]
        leased = lease(site, show, run, database, leasing, settling=SETTLING, seconds=seconds)
        per_second = leased.taken / leased.seconds
        run.note("grants taken", per_second, "/s")
        run.note("share of the rates that was granted", per_second / rate / campaigns, "share")
        return run

    noun = "sender" if senders == 1 else "senders"
    label = f"{campaigns:,} campaigns of {rate}/s, {senders} {noun}"
    return Case(label, measure, {"campaigns": campaigns, "rate": rate, "senders": senders})


class RatedSender:
    """One sender with messages of all campaigns, which takes every grant that it gets."""

    def __init__(
        self, database: Database, number: int, campaigns: list[CampaignId], rate: int
    ) -> None:
        sender = f"{number * 1021:016x}"
        clock = DatabaseClock(boot_time)
        self._paces = CampaignPaces(lambda one: CampaignRate(one, sender, clock))
        version = CampaignVersion(
            CampaignState.RUNNING, CampaignEpoch(1), Delivery.AT_LEAST_ONCE, "simulated", None
        )
        pace = CampaignPace(Decimal(rate))
        self._paces.update(dict.fromkeys(campaigns, version._replace(pace=pace)))
        waiting = dict.fromkeys(campaigns, 2 * rate)
        self._leases = RateLeases(
            database, sender, self._paces, clock, lambda _: waiting, lambda _: None
        )
        self._rate = rate
        self.taken = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._take)

    def start(self) -> None:
        """Start to lease, and to take."""
        self._leases.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop both."""
        self._stop.set()
        self._thread.join()
        self._leases.stop()

    def _take(self) -> None:
        while not self._stop.wait(TAKING):
            for rate in self._paces.rates.values():
                if (taken := rate.take(self._rate)) is not None:
                    self.taken += taken.units
