"""Rate leases: the thread that leases the grants of all campaigns with a rate."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from campaign_common.database import Cursor, Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.planning import slot_at
from campaign_common.domain.limits.slots import SlotDemand
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_common.store.limits.campaign_slots import (
    insert_campaign_slots,
    read_campaign_slots,
    read_demands,
    read_max_rates,
    read_server_time,
    state_demands,
)
from campaign_common.store.limits.slot_leases import SlotsRead, delete_ahead, take_spare
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.slot_lease import turn_phase, until_turn

IDLE_AFTER = 5.0
"""Seconds without a message of a campaign that could be sent here, after which nothing is read of
its slots: longer than the pauses in which a fan-out publishes."""

PAUSE = 0.25
"""Seconds between two checks of what waits; grants are planned once in a slot."""

AT_ONCE = 1_000
"""Campaigns of one statement."""

SPARE_AT_ONCE = 4
"""Campaigns that take spare grants at one check, by a statement each. The others state what they
want for the next slot."""

MOST_WANTED = 1_000_000
"""Messages that a sender states at most that it wants to send in a slot."""

Some = TypeVar("Some")

Waiting = Callable[[Collection[CampaignId]], Mapping[CampaignId, int]]
"""Returns how many messages of each campaign could be sent here; one without any may be missing."""


class _Wanted(NamedTuple):
    rate: CampaignRate
    messages: int


class RateLeases:
    """Leases the grants of the campaigns with a rate, of all in one turn, and by few statements.

    A campaign without messages here costs nothing. `waiting`: messages that could be sent.
    `on_grants` is told the campaigns that have new grants.
    """

    def __init__(
        self,
        database: Database,
        sender: str,
        paces: CampaignPaces,
        clock: DatabaseClock,
        waiting: Waiting,
        on_grants: Callable[[Collection[CampaignId]], None],
    ) -> None:
        """Take the clock that the rates of `paces` share."""
        self._database = database
        self._sender = sender
        self._paces = paces
        self._clock = clock
        self._waiting = waiting
        self._on_grants = on_grants
        self._phase = turn_phase(sender)
        self._turn_at = 0.0
        self._first = 0
        """Place of the campaign that is the first to take spare grants."""
        self._outages = OutageLog()
        self._stop = threading.Event()
        self._thread = IndispensableThread("rate-leases", self._run)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return whether the thread runs; only a programming error ends it early."""
        return self._thread.alive

    def stop(self) -> None:
        """Stop the thread; return when it has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._outages.run("rates of campaigns", self.step)
            self._stop.wait(self.pause())

    def step(self) -> None:
        """Give all campaigns a turn if that is due, else let those that lack grants take spare.

        Raises:
            RetryLater: the database is down; grants that are held stay valid in their slots.
        """
        wanted = self._wanted()
        if not wanted:
            return
        now = self._clock.local()
        if self._clock.reading() is None or now >= self._turn_at:
            granted = self._turn(wanted)
        else:
            granted = self._take_more(wanted)
        if granted:
            self._on_grants(granted)

    def pause(self) -> float:
        """Return the seconds until the next step."""
        return min(PAUSE, max(0.0, self._turn_at - self._clock.local()) or PAUSE)

    def _wanted(self) -> list[_Wanted]:
        """Return the campaigns that have messages here, or had some a short time ago."""
        rates = self._paces.rates
        waiting = self._waiting(rates.keys()) if rates else {}
        now = self._clock.local()
        wanted = []
        for campaign_id, rate in rates.items():
            messages = min(waiting.get(campaign_id, 0), MOST_WANTED)
            if messages:
                rate.wanted_at = now
            if rate.wanted_at is not None and now - rate.wanted_at <= IDLE_AFTER:
                wanted.append(_Wanted(rate, messages))
        return wanted

    # --- turns ----------------------------------------------------------------------------

    def _turn(self, wanted: Sequence[_Wanted]) -> list[CampaignId]:
        granted: list[CampaignId] = []
        with self._database.reading() as cursor:
            self._read_time(cursor)
            for some in _chunks(wanted):
                granted += self._lease(cursor, some)
        is_alone = all(rate.slots.is_alone for rate, _ in wanted)
        reading = self._clock.reading()
        if reading is not None:
            until = until_turn(reading.moment, self._phase, is_alone=is_alone)
            self._turn_at = self._clock.local() + until + 0.005
        return granted

    def _lease(self, cursor: Cursor, wanted: Sequence[_Wanted]) -> list[CampaignId]:
        """Read the slots, plan those of the next second; return the campaigns with new grants."""
        rates = [rate for rate, _ in wanted]
        slots = self._read(cursor, rates)
        self._state_demands(cursor, wanted)
        fit = [one for one in rates if not one.slots.note_stuck(slots[one.campaign_id])]
        if overdue := [one.slots.name for one in rates if one.slots.is_stuck_for_long]:
            delete_ahead(cursor, overdue)
        lacking = [
            one for one in fit if one.slots.lacks_plan(slots[one.campaign_id], one.per_second)
        ]
        granted = _with_new_shares(rates, slots)
        if lacking:
            self._plan(cursor, lacking, slots)
            present = slot_at(slots[lacking[0].campaign_id].moment)
            granted += _with_new_shares(lacking, self._read(cursor, lacking, after=present))
        return granted

    def _plan(
        self,
        cursor: Cursor,
        rates: Sequence[CampaignRate],
        slots: Mapping[CampaignId, SlotsRead],
    ) -> None:
        """Plan slots by the rates that hold now, which may have changed since they were seen."""
        present = read_max_rates(cursor, [one.campaign_id for one in rates])
        demands = read_demands(cursor, [one.slots.name for one in rates])
        planned = {}
        for one in rates:
            per_second = present.get(one.campaign_id)
            if per_second is not None:
                demand = demands.get(one.slots.name, {})
                plan = one.slots.plan(slots[one.campaign_id], per_second, demand)
                if plan is not None:
                    planned[one.campaign_id] = plan
        if planned and insert_campaign_slots(cursor, planned) == len(planned):
            for one in rates:
                if one.campaign_id in planned:
                    one.slots.note_planned(planned[one.campaign_id])

    def _state_demands(self, cursor: Cursor, wanted: Sequence[_Wanted]) -> None:
        reading = self._clock.reading()
        stated = [
            (rate, demand)
            for rate, messages in wanted
            if (demand := rate.slots.demand_to_state(SlotDemand(messages))) is not None
        ]
        if stated and reading is not None:
            by_name = {rate.slots.name: demand.wanted for rate, demand in stated}
            state_demands(cursor, self._sender, by_name)
            for rate, demand in stated:
                rate.slots.note_stated(reading.moment, demand)

    def _take_more(self, wanted: Sequence[_Wanted]) -> list[CampaignId]:
        """Take spare grants of the running slot for campaigns that lack some, in turns."""
        reading = self._clock.reading()
        lacking = [one for one in wanted if one.messages > one.rate.slots.upcoming(1.0)]
        if reading is None or not lacking:
            return []
        present = slot_at(reading.moment)
        unknown = [rate for rate, _ in lacking if not rate.slots.knows(present)]
        known = [one for one in lacking if one.rate.slots.has_spare(present)]
        if not unknown and not known:
            return []
        granted: list[CampaignId] = []
        with self._database.reading() as cursor:
            for some in _chunks(unknown):
                granted += _with_new_shares(some, self._read(cursor, some))
            self._first += SPARE_AT_ONCE
            for n in range(min(SPARE_AT_ONCE, len(known))):
                rate, messages = known[(self._first + n) % len(known)]
                if (spare := rate.slots.offered_spare(messages)) is not None:
                    taken = take_spare(cursor, rate.slots.name, *spare)
                    rate.slots.add_spare(spare.slot, taken)
                    granted.append(rate.campaign_id)
        return granted

    # --- reading --------------------------------------------------------------------------

    def _read_time(self, cursor: Cursor) -> None:
        """Read the time alone, as a read of many slots takes too long to tell it exactly."""
        began = self._clock.local()
        self._clock.add(began, *read_server_time(cursor))

    def _read(
        self, cursor: Cursor, rates: Sequence[CampaignRate], after: int = 0
    ) -> dict[CampaignId, SlotsRead]:
        """Read slots after one, with the shares of new ones: mostly of the same one for all."""
        latest = max((one.slots.latest for one in rates), default=0)
        groups = (
            (latest, [one for one in rates if one.slots.latest == latest]),
            (0, [one for one in rates if one.slots.latest != latest]),
        )
        slots = {}
        for known, group in groups:
            if not group:
                continue
            began = self._clock.local()
            read = read_campaign_slots(
                cursor, [one.slots.name for one in group], after=after, shares_after=known
            )
            self._clock.add(began, read.moment, read.server)
            for one in group:
                stored = read.stored.get(one.slots.name, ())
                slots[one.campaign_id] = SlotsRead(read.moment, read.server, stored)
                one.slots.note_read(slots[one.campaign_id])
        return slots


def _with_new_shares(
    rates: Sequence[CampaignRate], slots: Mapping[CampaignId, SlotsRead]
) -> list[CampaignId]:
    """Add the shares of slots; return the campaigns with new ones."""
    return [one.campaign_id for one in rates if one.slots.add_shares(slots[one.campaign_id])]


def _chunks(items: Sequence[Some]) -> Iterator[Sequence[Some]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))
