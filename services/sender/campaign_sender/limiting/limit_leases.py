"""Limit leases: the threads that read live limits, and lease the grants of each provider."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import NamedTuple

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.limits.concurrency import SenderShards
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import DatabaseTimeout, RetryLater
from campaign_common.runtime.late_slots import TOO_LATE
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.runtime.periodic_thread import IndispensableThread, ThreadedPart
from campaign_common.store.limits.live_limits import read_all_live
from campaign_common.store.limits.live_weights import follow_live_weights
from campaign_common.store.limits.publishing import InUse, read_in_use
from campaign_common.store.limits.slot_leases import forget_demand
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.provider_limiter import ProviderLimiter

LIVE_INTERVAL = 0.3
"""Seconds from the end of a read of the live limits to the next one."""

LIMITS_FRESH_FOR = 1.8
"""Seconds from the beginning of a read of the live limits, after which nothing is granted."""

SHORTEST_TURN_WAIT = 0.02

WAITING_INTERVAL = 0.05
"""Seconds between two looks at what waits for grants."""

FAILED_PAUSE = 0.2
"""Seconds between two attempts at what fails."""

NOTHING_ELSE = InUse(frozenset(), campaigns=1)
"""Use before it is read."""

log = structlog.get_logger()


class Load(NamedTuple):
    """Messages of this sender that could be sent, and its part of all shards."""

    of_provider: Callable[[str], int]
    share: Callable[[], float]
    """From 0 to 1."""
    sender_shards: Callable[[], SenderShards]
    """Shards of this sender and of all others."""


class LimitLeases(ThreadedPart):
    """Threads of the live limits and of each limiter; a failure of one leaves the others alone.

    `routes`: those that campaigns may take. `paces`: rates of campaigns, whose grants `RateLeases`
    leases. `clock`: the one of the limiters, which follows the server by each read.
    """

    def __init__(
        self,
        database: Database,
        sender: str,
        limiters: Mapping[str, ProviderLimiter],
        load: Load,
        routes: Routes,
        paces: CampaignPaces,
        clock: DatabaseClock,
    ) -> None:
        self._database = database
        self._sender = sender
        self._limiters = limiters
        self._load = load
        self._routes = routes
        self._paces = paces
        self._clock = clock
        self._unreadable: dict[str, int] = {}
        """Versions of live limits that were logged as such."""
        self.in_use = NOTHING_ELSE
        """Providers and campaigns in use, at the last read."""
        self._outages = OutageLog()
        self._stop = threading.Event()
        super().__init__(
            IndispensableThread("live-limits", self._follow),
            *(
                IndispensableThread(f"limits-of-{name}", partial(self._lease, name))
                for name in limiters
            ),
        )
        for limiter in limiters.values():
            limiter.withhold()  # until its limits are read

    def stop(self) -> None:
        """Stop the threads, and return the grants of days that are left."""
        self._stop.set()
        self._join()
        try:
            for limiter in self._limiters.values():
                limiter.return_unused()
            with self._database.transaction() as cursor:
                forget_demand(cursor, self._sender)
        except (RetryLater, DriverError) as error:
            log.warning("grants not returned", error=str(error))

    def read_live(self) -> None:
        """Read the live limits and the providers in use.

        Raises:
            RetryLater: the database is down.
        """
        began = self._clock.local()
        until = began + LIMITS_FRESH_FOR
        with self._database.reading() as cursor:
            asked = self._clock.local()
            live = read_all_live(cursor)
            self._clock.add(asked, *live.time)
            share, sender_shards = self._load.share(), self._load.sender_shards()
            for name, limiter in self._limiters.items():
                limiter.share, limiter.sender_shards = share, sender_shards
                one = live.limits.get(name)
                if one is None:
                    limiter.set_live(None, moment=live.time.moment, fresh_until=until)
                elif one.limits is not None:
                    limiter.set_live(one.limits, one.version, live.time.moment, until)
                else:
                    limiter.withhold()
                    self._log_unreadable(name, one.version)
            if len(self._limiters) > 1 or self._paces.rates:
                follow_live_weights(cursor, self._routes)
                self.in_use = read_in_use(cursor, self._routes)

    def require_in_time(self) -> None:
        """Check that the grants of each provider are leased before their slots begin.

        Raises:
            DatabaseTimeout: those of one provider are not, so nothing is sent to it.
        """
        for name, limiter in self._limiters.items():
            if limiter.is_late:
                raise DatabaseTimeout(TOO_LATE.format(f"limits of {name}"))

    def step(self, name: str) -> float:
        """Give a limiter its turn; return the seconds until the next one.

        Each has a thread of its own: turns of several, one after another, may take longer than a
        slot where the database is far.
        """
        pause = FAILED_PAUSE

        def turn() -> None:
            nonlocal pause
            pause = self._limiters[name].turn(self._load.of_provider(name))

        self._outages.run(f"limits of {name}", turn)
        return pause

    def _log_unreadable(self, name: str, version: int) -> None:
        if self._unreadable.get(name) != version:
            self._unreadable[name] = version
            log.error("live limits cannot be read, nothing is sent", provider=name)

    def _follow(self) -> None:
        while not self._stop.is_set():
            succeeded = self._outages.run("live limits", self.read_live)
            self._stop.wait(LIVE_INTERVAL if succeeded else FAILED_PAUSE)

    def _lease(self, name: str) -> None:
        limiter = self._limiters[name]
        while not self._stop.is_set():
            until = monotonic() + max(SHORTEST_TURN_WAIT, self.step(name))
            while (left := until - monotonic()) > 0:
                if self._stop.wait(min(left, WAITING_INTERVAL) if limiter.needs_grants else left):
                    return
                waiting = self._load.of_provider(name)
                limiter.note_waiting(waiting)
                if limiter.is_due(waiting):
                    break
