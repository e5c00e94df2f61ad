"""Rate leases: the thread that leases the grants of all campaigns with a rate."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import NamedTuple, TypeVar

from campaign_common.database import Cursor, Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.planning import StoredSlot, slot_at
from campaign_common.domain.limits.slots import MOST_WANTED, SlotDemand
from campaign_common.domain.limits.turn_times import FAR, TurnTimes
from campaign_common.errors import DatabaseTimeout
from campaign_common.runtime.late_slots import TOO_LATE, LateSlots
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.runtime.periodic_thread import IndispensableThread, ThreadedPart
from campaign_common.store.limits.campaign_slots import (
    insert_campaign_slots,
    read_campaign_slots,
    state_demands,
)
from campaign_common.store.limits.server_time import read_server_time
from campaign_common.store.limits.slot_leases import SlotsRead, delete_ahead, take_spare
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.limiting.database_clock import DatabaseClock

RATE_IDLE_AFTER = 5.0
"""Seconds without a message of a campaign that could be sent here, after which nothing is read of
its slots: longer than the pauses in which a fan-out publishes."""

RATE_STEP_INTERVAL = 0.25
"""Seconds between two checks of what waits; grants are planned once in a slot."""

RATES_AT_ONCE = 1_000
"""Campaigns of one statement at most."""

PLANNED_TOGETHER = 250
"""Campaigns whose slots are read and planned together: those of the next part may come too late on
a busy machine, while these are stored."""

PART_TIME = 0.25
"""Seconds of all parts' round trips to a distant database: above it parts are larger."""

ROTATED_AFTER = 10
"""Turns after which another part is the first, where the last ones are too late."""

TIME_INTERVAL = 10
"""Turns after which the time is read alone, where the database is far; else it is in each turn."""

SPARE_AT_ONCE = 4
"""Campaigns that take spare grants at one check, by a statement each. The others state what they
want for the next slot."""

STOPPED_AFTER = 5.0
"""Seconds without a new grant, after which this is not ready where slots are planned too late."""

Some = TypeVar("Some")

Waiting = Callable[[Collection[CampaignId]], Mapping[CampaignId, int]]
"""Returns how many messages of each campaign could be sent here; one without any may be missing."""


class _Wanted(NamedTuple):
    rate: CampaignRate
    messages: int


class _Read(NamedTuple):
    slots: Mapping[CampaignId, SlotsRead]
    rates: Mapping[CampaignId, Decimal]
    """Present ones, which may have changed since messages were admitted."""


class RateLeases(ThreadedPart):
    """Leases of all campaigns with a rate, in one turn and by few statements.

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
        self._times = TurnTimes(sender)
        self._late = LateSlots("rates of campaigns")
        self._turn_at = 0.0
        self._rotates_at = ROTATED_AFTER
        self._granted_at = 0.0
        self._missed = False
        """True where slots of this turn have begun before they were planned."""
        self._turns = 0
        self._first = 0
        """Place of the campaign that is the first to take spare grants."""
        self._first_part = 0
        """Place of the campaign whose part is the first in the next turn."""
        self._outages = OutageLog()
        self._stop = threading.Event()
        super().__init__(IndispensableThread("rate-leases", self._run))

    def require_in_time(self) -> None:
        """Check that grants are leased before their slots begin.

        Raises:
            DatabaseTimeout: none are, so that no campaign with a rate is sent.
        """
        if self._late.is_late and self._clock.local() - self._granted_at > STOPPED_AFTER:
            raise DatabaseTimeout(TOO_LATE.format("rates of campaigns"))

    def stop(self) -> None:
        """Stop the thread; return when it has ended."""
        self._stop.set()
        self._join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._outages.run("rates of campaigns", self.step)
            self._stop.wait(self.until_step())

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
            self._turn(wanted)
        else:
            self._tell(self._take_more(wanted))

    def _tell(self, granted: Collection[CampaignId]) -> None:
        if granted:
            self._granted_at = self._clock.local()
            self._on_grants(granted)

    def until_step(self) -> float:
        """Return the seconds until the next step."""
        left = max(0.0, self._turn_at - self._clock.local())
        return min(RATE_STEP_INTERVAL, left or RATE_STEP_INTERVAL)

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
            if rate.wanted_at is not None and now - rate.wanted_at <= RATE_IDLE_AFTER:
                wanted.append(_Wanted(rate, messages))
        return wanted

    # --- turns ----------------------------------------------------------------------------

    def _turn(self, wanted: Sequence[_Wanted]) -> None:
        self._turns += 1
        self._missed = False
        wanted = self._in_turn(wanted)
        began = self._clock.local()
        with self._database.reading() as cursor:
            reading = self._clock.reading()
            if self._times.trip <= FAR:
                self._read_time(cursor)
            elif reading is not None:
                self._stop.wait(self._times.until_read(reading.moment))
                began = self._clock.local()
            self._lease_all(cursor, wanted, began)
            if self._times.trip > FAR and not self._turns % TIME_INTERVAL:
                self._read_time(cursor)
            else:
                self._state_demands(cursor, wanted)
        self._late.note(is_late=self._missed)
        self._rotate(len(wanted))
        is_alone = all(rate.slots.is_alone for rate, _ in wanted)
        reading = self._clock.reading()
        if reading is not None:
            until = self._times.until(reading.moment, is_alone=is_alone)
            self._turn_at = self._clock.local() + until + 0.005

    def _in_turn(self, wanted: Sequence[_Wanted]) -> Sequence[_Wanted]:
        first = self._first_part % len(wanted)
        return [*wanted[first:], *wanted[:first]]

    def _rotate(self, count: int) -> None:
        """Move another part to the front, some turns after it has changed, where some are too late.

        Not in each turn: behind a slot that was missed, the next two are blank.
        """
        if self._missed and self._turns >= self._rotates_at:
            self._first_part = (self._first_part + self._part_size(count)) % count
            self._rotates_at = self._turns + ROTATED_AFTER

    def _part_size(self, count: int) -> int:
        """Return the campaigns of a part: as few as the round trips to the database allow."""
        most = max(1, int(PART_TIME / max(self._times.trip, 1e-3)))
        return min(RATES_AT_ONCE, max(PLANNED_TOGETHER, ceil(count / most)))

    def _lease_all(self, cursor: Cursor, wanted: Sequence[_Wanted], began: float) -> None:
        """Lease part by part until the slot is over."""
        size = self._part_size(len(wanted))
        slot = None
        for place, part in enumerate(_chunks(wanted, size)):
            moment = self._lease(cursor, part)
            slot = slot_at(moment) if slot is None else slot
            self._times.note(moment, self._clock.local() - began, self._clock.reading())
            reading = self._clock.reading()
            is_over = reading is not None and slot_at(reading.moment) > slot
            if is_over and (place + 1) * size < len(wanted):
                self._missed = True
                break

    def _lease(self, cursor: Cursor, wanted: Sequence[_Wanted]) -> float:
        """Read the slots and plan those of the next second; return the time of the read."""
        rates = [rate for rate, _ in wanted]
        read = self._read(cursor, rates)
        granted = _with_new_shares(rates, read.slots)
        fit = [
            one for one in wanted if not one.rate.slots.note_stuck(read.slots[one.rate.campaign_id])
        ]
        if overdue := [one.slots.name for one in rates if one.slots.is_stuck_for_long]:
            delete_ahead(cursor, overdue)
        planned_from = self._times.planned_from
        lacking = [
            one
            for one in fit
            if one.rate.slots.lacks_plan(read.slots[one.rate.campaign_id], planned_from)
        ]
        if lacking:
            granted += self._plan(cursor, lacking, read, planned_from)
        self._tell(granted)
        return read.slots[rates[0].campaign_id].moment

    def _plan(
        self, cursor: Cursor, lacking: Sequence[_Wanted], read: _Read, planned_from: float
    ) -> list[CampaignId]:
        """Plan slots by the rates that hold now; return the campaigns with new grants."""
        planned: dict[CampaignId, StoredSlot] = {}
        for rate, messages in lacking:
            per_second = read.rates.get(rate.campaign_id)
            if per_second is not None:
                slots, demand = read.slots[rate.campaign_id], SlotDemand(messages)
                plan = rate.slots.plan(slots, per_second, demand, planned_from=planned_from)
                if plan is not None:
                    planned[rate.campaign_id] = plan
        if not planned:
            return []
        rates = [rate for rate, _ in lacking if rate.campaign_id in planned]
        self._missed |= all(one.is_blank for one in planned.values())
        if insert_campaign_slots(cursor, planned) == len(planned):
            return [
                one.campaign_id
                for one in rates
                if one.slots.note_planned(read.slots[one.campaign_id], planned[one.campaign_id])
            ]
        present = next(iter(planned.values())).plan.slot - 1
        found = self._read(cursor, rates, after=present).slots
        self._missed |= not any(one.stored for one in found.values())
        return _with_new_shares(rates, found)

    def _state_demands(self, cursor: Cursor, wanted: Sequence[_Wanted]) -> None:
        reading = self._clock.reading()
        if reading is None:
            return
        stated = [
            (rate, demand)
            for rate, messages in wanted
            if (demand := rate.slots.demand_to_state(reading.moment, SlotDemand(messages)))
            is not None
        ]
        for some in _chunks(stated, RATES_AT_ONCE):
            by_name = {rate.slots.name: demand.wanted for rate, demand in some}
            state_demands(cursor, self._sender, by_name)
            for rate, demand in some:
                rate.slots.note_stated(reading.moment, demand)

    def _take_more(self, wanted: Sequence[_Wanted]) -> list[CampaignId]:
        """Take spare grants of the running slot for campaigns that lack some, in turns."""
        reading = self._clock.reading()
        lacking = [one for one in wanted if one.messages > one.rate.slots.upcoming(1.0)]
        if reading is None or not lacking:
            return []
        # As many statements as end before the next turn.
        left = int((self._turn_at - self._clock.local()) / max(self._times.trip, 0.01))
        if left < 2:
            return []
        present = slot_at(reading.moment)
        unknown = [rate for rate, _ in lacking if not rate.slots.knows(present)]
        known = [one for one in lacking if one.rate.slots.has_spare(present)]
        if not unknown and not known:
            return []
        granted: list[CampaignId] = []
        with self._database.reading() as cursor:
            for some in _chunks(unknown, RATES_AT_ONCE):
                granted += _with_new_shares(some, self._read(cursor, some).slots)
            self._first += SPARE_AT_ONCE
            for n in range(min(SPARE_AT_ONCE, len(known), left - 1)):
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

    def _read(self, cursor: Cursor, rates: Sequence[CampaignRate], after: int = 0) -> _Read:
        """Read slots after one, with the shares of new ones."""
        began = self._clock.local()
        known = min((one.slots.latest for one in rates), default=0)
        read = read_campaign_slots(
            cursor, [one.campaign_id for one in rates], after=after, shares_after=known
        )
        self._clock.add(began, read.moment, read.server)
        slots = {}
        for one in rates:
            name = one.slots.name
            stored, demands = read.stored.get(name, ()), read.demands.get(name, {})
            slots[one.campaign_id] = SlotsRead(read.moment, read.server, stored, demands)
            one.slots.note_read(slots[one.campaign_id])
        return _Read(slots, read.rates)


def _with_new_shares(
    rates: Sequence[CampaignRate], slots: Mapping[CampaignId, SlotsRead]
) -> list[CampaignId]:
    """Add the shares of slots; return the campaigns with new ones."""
    return [one.campaign_id for one in rates if one.slots.add_shares(slots[one.campaign_id])]


def _chunks(items: Sequence[Some], size: int) -> Iterator[Sequence[Some]]:
    return (items[start : start + size] for start in range(0, len(items), size))
