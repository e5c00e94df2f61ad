"""Limit leases: the thread that leases the grants of all limited providers and campaigns."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import RetryLater
from campaign_common.runtime.outage_log import Outage
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_common.store.limits.live_limits import read_all_live
from campaign_common.store.limits.publishing import InUse, read_in_use
from campaign_common.store.limits.slot_leases import forget_demand
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.limiting.provider_limiter import ProviderLimiter

LIVE_INTERVAL = 0.4
"""Seconds between two reads of the live limits."""

SHORTEST_PAUSE = 0.02

FAILED_PAUSE = 0.2
"""Seconds between two attempts while the database is down."""

NOTHING_ELSE = InUse(frozenset(), campaigns=1)
"""Use before it is read."""

log = structlog.get_logger()


class Waiting(NamedTuple):
    """Numbers of messages that could be sent: of a provider, and of a campaign with a rate."""

    of_provider: Callable[[str], int]
    of_campaign: Callable[[CampaignId], int]


class LimitLeases:
    """Reads live limits and gives each limiter its turns.

    `share`: part of all shards that this sender has, from 0 to 1. `routes`: those that campaigns
    may take. `paces`: the campaigns with a rate.
    """

    def __init__(
        self,
        database: Database,
        sender: str,
        limiters: Mapping[str, ProviderLimiter],
        waiting: Waiting,
        share: Callable[[], float],
        routes: Routes,
        paces: CampaignPaces,
    ) -> None:
        self._paces = paces
        self._due_of: dict[CampaignRate, float] = {}
        self._database = database
        self._sender = sender
        self._limiters = limiters
        self._waiting = waiting
        self._share = share
        self._routes = routes
        self._due = dict.fromkeys(limiters, 0.0)
        self._live_due = 0.0
        self.in_use = NOTHING_ELSE
        """Providers and campaigns in use, at the last read."""
        self._outage = Outage("limits not leased", "limits leased again", log)
        self._stop = threading.Event()
        self._thread = IndispensableThread("limit-leases", self._run)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return whether the thread runs; only a programming error ends it early."""
        return self._thread.alive

    def stop(self) -> None:
        """Stop the thread, and return the grants of days that are left."""
        self._stop.set()
        self._thread.join()
        try:
            for limiter in self._limiters.values():
                limiter.return_rest()
            with self._database.transaction() as cursor:
                forget_demand(cursor, self._sender)
        except (RetryLater, DriverError) as error:
            log.warning("grants not returned", error=str(error))

    def step(self) -> float:
        """Give the limiters that are due a turn; return the seconds until the next one is.

        Raises:
            RetryLater: the database is down.
        """
        rates = self._paces.rates
        now = time.monotonic()
        if now >= self._live_due:
            with self._database.reading() as cursor:
                live = read_all_live(cursor)
                if len(self._limiters) > 1 or rates:
                    self.in_use = read_in_use(cursor, self._routes)
            share = self._share()
            for name, limiter in self._limiters.items():
                limiter.set_live(live.get(name))
                limiter.share = share
            self._live_due = time.monotonic() + LIVE_INTERVAL
        for name, limiter in self._limiters.items():
            if self._due[name] <= time.monotonic():
                pause = limiter.turn(self._waiting.of_provider(name))
                self._due[name] = time.monotonic() + pause
        self._due_of = {rate: self._due_of.get(rate, 0.0) for rate in rates.values()}
        for campaign_id, rate in rates.items():
            if self._due_of[rate] <= time.monotonic():
                pause = rate.turn(self._waiting.of_campaign(campaign_id))
                self._due_of[rate] = time.monotonic() + pause
        due = [self._live_due, *self._due.values(), *self._due_of.values()]
        return min(due) - time.monotonic()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                pause = self.step()
            except (RetryLater, DriverError) as error:
                self._outage.failed(str(error))
                pause = FAILED_PAUSE
            else:
                self._outage.recovered()
            self._stop.wait(max(SHORTEST_PAUSE, pause))
