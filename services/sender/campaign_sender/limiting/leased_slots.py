"""Leased slots: the grants of one limit that one sender has leased, slot by slot."""

import threading
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from math import inf
from typing import NamedTuple

from campaign_common.domain.limits.grants import DueGrants, SlotGrants
from campaign_common.domain.limits.planning import (
    PLANNED_FROM,
    SLOTS_STUCK_AFTER,
    StoredSlot,
    is_stuck,
    plan_next,
    slot_at,
    spare_bounds,
)
from campaign_common.domain.limits.server_clock import ClockReading
from campaign_common.domain.limits.slots import EXACT_UP_TO, Instants, SlotDemand, SlotPlan
from campaign_common.store.limits.slot_leases import SlotsRead
from campaign_sender.limiting.database_clock import DatabaseClock

FORGET_AFTER = 90.0
"""Seconds for which a sender remembers which slots it has read: longer than slots are kept."""

STATED_EVERY = 3
"""Slots after which a sender states again what it wants, though it has not changed."""


class Taken(NamedTuple):
    """Units that may start now."""

    units: int
    until: float
    """Local time in seconds after which they must not start."""
    day: date | None = None
    """Day that they were taken of; None: it has no limit."""
    day_until: float = inf
    """Local time in seconds at which that day ends."""


class OfferedSpare(NamedTuple):
    """Spare grants of the running slot that a sender may take."""

    slot: int
    indices: range
    wanted: int
    """Number that it takes at most: those that it lacks, and half of many."""


class LeasedSlots:
    """Grants of one limit for one sender, and what it has read and planned of its slots.

    `name`: that of the slots, a provider's or that of a campaign's rate. `latest`: seconds after
    its instant at which a grant is lost. What leases is used by one thread, the rest by any. The
    clock may be shared: after a step of it nothing is granted until the slots are read again.
    """

    def __init__(self, name: str, sender: str, clock: DatabaseClock, latest: float) -> None:
        self.name = name
        self.is_alone = True
        """True while no other sender wants grants."""
        self.latest = 0
        """Latest slot whose shares were read."""
        self._sender = sender
        self._clock = clock
        self._lock = threading.Lock()
        self._grants = SlotGrants(sender, latest)
        self._steps = -1
        """Steps of the clock after which the slots were read. What the first read finds is refused:
        a lease before this one may have taken it."""
        self._stated_in = 0
        self._stated = SlotDemand(0)
        self._planned = 0
        """Latest slot that this sender has planned."""
        self._plan_of: dict[int, SlotPlan] = {}
        self._spare_of: dict[int, Instants] = {}
        self._stuck_since: float | None = None

    # --- leasing --------------------------------------------------------------------------

    def demand_to_state(self, moment: float, demand: SlotDemand) -> SlotDemand | None:
        """Return what to state at a moment of the server's clock; None: nothing.

        It is stated once in a slot at most. `note_stated` follows when it is written.
        """
        slot, stated = slot_at(moment), in_steps(demand)
        is_old = slot - self._stated_in >= STATED_EVERY and stated.wanted > 0
        is_due = slot != self._stated_in and (stated != self._stated or is_old)
        return stated if is_due else None

    def note_stated(self, moment: float, stated: SlotDemand) -> None:
        """Note what was stated at a moment of the server's clock."""
        self._stated_in, self._stated = slot_at(moment), stated

    def note_read(self, slots: SlotsRead) -> None:
        """Note slots that were read; after a step of the clock they are refused."""
        now, (_, steps) = self._clock.local(), self._clock.read()
        with self._lock:
            if steps != self._steps:
                self._steps = steps
                self._grants.refuse([one.plan.slot for one in slots.stored], now)
                self.latest = 0
            self._grants.forget_before(now - FORGET_AFTER)

    def note_stuck(self, slots: SlotsRead) -> bool:
        """Note whether slots lie ahead of the server's clock; then none is planned."""
        if not is_stuck(slots.moment, slots.stored):
            self._stuck_since = None
            return False
        if self._stuck_since is None:
            self._stuck_since = self._clock.local()
        return True

    @property
    def is_stuck_for_long(self) -> bool:
        """Return whether slots have lain ahead for so long that they are to be deleted."""
        since = self._stuck_since
        return since is not None and self._clock.local() - since > SLOTS_STUCK_AFTER

    def lacks_plan(self, slots: SlotsRead, planned_from: float = PLANNED_FROM) -> bool:
        """Return whether this sender should plan the next slot, as none was there to read."""
        if self._plan(slots, Decimal(0), {}, planned_from=planned_from) is not None:
            return True
        present = slot_at(slots.moment)
        if any(one.plan.slot not in (present, self._planned) for one in slots.stored[-1:]):
            self.is_alone = False
        return False

    def plan(
        self,
        slots: SlotsRead,
        per_second: Decimal,
        demand: SlotDemand,
        *,
        in_blocks: bool = False,
        planned_from: float = PLANNED_FROM,
    ) -> StoredSlot | None:
        """Plan the next slot; `note_planned` follows when it is stored.

        `demand`: what this sender wants. What it has stated last may be older.
        """
        self.is_alone = slots.demands.keys() <= {self._sender}
        demands = {**slots.demands, self._sender: in_steps(demand)}
        return self._plan(
            slots, per_second, demands, in_blocks=in_blocks, planned_from=planned_from
        )

    def _plan(
        self,
        slots: SlotsRead,
        per_second: Decimal,
        demands: Mapping[str, SlotDemand],
        *,
        in_blocks: bool = False,
        planned_from: float,
    ) -> StoredSlot | None:
        return plan_next(
            slots.moment,
            slots.server,
            slots.stored,
            per_second,
            demands,
            self._clock.state(),
            in_blocks=in_blocks,
            planned_from=planned_from,
        )

    def note_planned(self, slots: SlotsRead, planned: StoredSlot) -> bool:
        """Note a slot that this sender has planned and stored, and add its own share of it.

        `slots`: those by which it was planned. True where the share is new.
        """
        self._planned = planned.plan.slot
        return self.add_shares(slots._replace(stored=[planned]))

    def add_shares(self, slots: SlotsRead) -> bool:
        """Add the own shares of slots that were read; True where some have not been read before."""
        if not self._clock.state().is_trusted:
            return False
        present = slot_at(slots.moment)
        is_new = False
        with self._lock:
            for one in slots.stored:
                slot = one.plan.slot
                if slot in (present, present + 1) and one.server == slots.server:
                    if self._grants.add_share(one.plan, self._clock.local()):
                        self._plan_of[slot] = one.plan
                        is_new = True
                    self.latest = slot
        self._plan_of = {n: plan for n, plan in self._plan_of.items() if n >= present}
        self._spare_of = {n: spare for n, spare in self._spare_of.items() if n >= present}
        return is_new

    def knows(self, slot: int) -> bool:
        """Return whether the plan of a slot was read."""
        return slot in self._plan_of

    def has_spare(self, slot: int) -> bool:
        """Return whether a slot has grants that belong to no sender."""
        plan = self._plan_of.get(slot)
        return plan is not None and plan.spare > 0

    def offered_spare(self, wanted: int) -> OfferedSpare | None:
        """Return the spare grants to take for what is wanted; None: none are needed, or there."""
        reading = self._clock.reading()
        lacking = wanted - self.upcoming(1.0)
        if reading is None or lacking <= 0:
            return None
        present = slot_at(reading.moment)
        plan = self._plan_of.get(present)
        if plan is None or not plan.spare:
            return None
        with self._lock:
            if not self._grants.serves(present):
                return None
        if present not in self._spare_of:
            self._spare_of[present] = plan.instants(None)
        offered = spare_bounds(plan, self._spare_of[present], reading.moment)
        if plan.quota > EXACT_UP_TO:
            # They follow each other: those that are just enough would last for milliseconds.
            lacking = max(lacking, len(offered) // 2)
        return OfferedSpare(present, offered, lacking) if offered else None

    def add_spare(self, slot: int, taken: range) -> None:
        """Add spare grants of a slot that were taken, by their indices."""
        plan, instants = self._plan_of.get(slot), self._spare_of.get(slot)
        if taken and plan is not None and instants is not None:
            with self._lock:
                self._grants.add_spare(plan, instants, taken.start, taken.stop)

    # --- using ----------------------------------------------------------------------------

    def reading(self) -> ClockReading | None:
        """Return the server's time as this sender knows it; None: it does not."""
        return self._clock.reading()

    def take(self, units: int) -> Taken | None:
        """Take grants of up to so many messages that may start now; None: none is due."""
        return self._take(lambda reading: self._grants.take_up_to(reading, units))

    def take_for(self, cost: int) -> Taken | None:
        """Take the grants of one message of `cost` units that may start now."""
        return self._take(lambda reading: self._grants.take(reading, cost))

    def _take(self, take: Callable[[ClockReading], DueGrants | None]) -> Taken | None:
        with self._lock:
            now = self._clock.local()
            reading = self._reading()
            due = None if reading is None else take(reading)
            if due is None or reading is None:
                return None
            return Taken(due.units, now + due.end - reading.moment)

    def upcoming(self, seconds: float) -> int:
        """Return the number of grants that are due now or within so many seconds."""
        with self._lock:
            reading = self._reading()
            return 0 if reading is None else self._grants.upcoming(reading, seconds)

    def next_in(self) -> float | None:
        """Return the seconds until the next grant is due; None: there is none."""
        with self._lock:
            reading = self._reading()
            instant = None if reading is None else self._grants.next_instant(reading)
            if instant is None or reading is None:
                return None
            return max(0.0, instant - reading.moment)

    def _reading(self) -> ClockReading | None:
        """Return the server's time; None: unknown, or stepped since the slots were read."""
        reading, steps = self._clock.read()
        return reading if steps == self._steps else None


def in_steps(demand: SlotDemand) -> SlotDemand:
    """Return a demand in the steps in which it is stated."""
    return demand._replace(wanted=_rounded(demand.wanted))


def _rounded(wanted: int) -> int:
    """Return a number of units rounded up to two binary digits."""
    if wanted < 4:
        return wanted
    unit = 1 << (wanted.bit_length() - 2)
    return -(-wanted // unit) * unit
