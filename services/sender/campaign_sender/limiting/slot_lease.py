"""Slot lease: this sender's grants of one provider, leased from the database slot by slot."""

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from campaign_common.database import Cursor, Database
from campaign_common.domain.limits.grants import DueGrants, SlotGrants
from campaign_common.domain.limits.planning import (
    PLANNED_FROM,
    STUCK_AFTER,
    is_stuck,
    plan_next,
    slot_at,
)
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.limits.server_clock import ClockReading, ClockState, ServerClock
from campaign_common.domain.limits.slots import LATEST, SlotPlan
from campaign_common.store.limits.slot_leases import (
    SlotsRead,
    delete_ahead,
    insert_slot,
    read_demand,
    read_slots,
    state_demand,
    sweep_slots,
    take_spare,
)

FORGET_AFTER = 90.0
"""Seconds for which a sender remembers whose shares it has taken over: longer than slots are kept.
"""

SWEEP_INTERVAL = 20.0
"""Seconds between two deletions of slots that are over."""


STATED_EVERY = 2
"""Slots after which a sender states again what it wants, though it has not changed."""


class Taken(NamedTuple):
    """Units that may start now."""

    units: int
    until: float
    """Local time in seconds after which they must not start."""
    day: date | None = None
    """Day that they were taken of; None: not limited by day."""


class SlotLease:
    """Grants of one provider for one sender; every method may be called from any thread.

    In place of a provider's name there may be that of a campaign's slots. `latest`: seconds after
    its instant at which a grant is lost.

    `turn` is called about twice in each slot. It takes the database's time with each read, and
    grants are counted by `clock`, which must include suspension.
    """

    def __init__(
        self,
        database: Database,
        provider: str,
        sender: str,
        clock: Callable[[], float],
        latest: float = LATEST,
    ) -> None:
        self._database = database
        self._provider = provider
        self._sender = sender
        self._clock = clock
        self._lock = threading.Lock()
        self._server_clock = ServerClock()
        self._grants = SlotGrants(sender, latest)
        self._phase = int(sender[-4:], 16) / 0x10000 if sender else 0.0
        self._stated_in = self._stated = 0
        self._latest = 0
        """Latest slot whose shares were taken over."""
        self._plan_of: dict[int, SlotPlan] = {}
        self._stuck_since: float | None = None
        self._swept_at = clock()

    # --- leasing --------------------------------------------------------------------------

    def turn(self, limits: ProviderLimits, wanted: int) -> None:
        """Lease grants: read the slots, plan the next one, and take spare grants if needed.

        Args:
            limits: limits that hold now; `per_second` is not None.
            wanted: units that this sender would send in the next second.

        Raises:
            RetryLater: the database is down; grants that are held stay valid in their slots.
        """
        with self._database.reading() as cursor:
            self._state_demand(cursor, wanted)
            slots = self._read(cursor)
            if self._plan(cursor, slots, limits):
                slots = self._read(cursor)
            self._take_over(slots)
            self._sweep(cursor, slots)
        self._take_spare(slots, wanted)

    def pause(self, wanted: int) -> float:
        """Return the seconds until the next turn: in the second half of each slot.

        Where grants are missing for what is `wanted`, it comes sooner, for spare ones.
        """
        reading = self.reading()
        if reading is None:
            return 0.2
        turn = PLANNED_FROM + 0.05 + 0.35 * self._phase
        until = (turn - reading.moment % 1.0) % 1.0 or 1.0
        if wanted > self.upcoming(1.0) and self._has_spare(slot_at(reading.moment)):
            until = min(until, 0.25)
        return until + 0.005

    def _has_spare(self, slot: int) -> bool:
        plan = self._plan_of.get(slot)
        return plan is not None and plan.spare > 0

    def _state_demand(self, cursor: Cursor, wanted: int) -> None:
        """State what is wanted, in steps: most of the time it need not be written again."""
        reading = self.reading()
        if reading is None or reading.moment % 1.0 < PLANNED_FROM:
            return
        slot, rounded = slot_at(reading.moment), _rounded(wanted)
        if rounded != self._stated or slot - self._stated_in >= STATED_EVERY:
            state_demand(cursor, self._provider, self._sender, rounded)
            self._stated_in, self._stated = slot, rounded

    def _read(self, cursor: Cursor) -> SlotsRead:
        began = self._clock()
        slots = read_slots(cursor, self._provider, shares_after=self._latest)
        ended = self._clock()
        with self._lock:
            if not self._server_clock.add(began, ended, slots.moment, slots.server):
                self._grants.refuse([one.plan.slot for one in slots.stored], ended)
                self._latest = 0
            self._grants.forget_before(ended - FORGET_AFTER)
        return slots

    def _plan(self, cursor: Cursor, slots: SlotsRead, limits: ProviderLimits) -> bool:
        """Plan the next slot where that is due; True where the slots have to be read again."""
        if self._clear_stuck(cursor, slots):
            return False
        per_second = limits.at(slots.moment + 1).per_second or Decimal(0)
        clock = self._state()
        if plan_next(slots.moment, slots.server, slots.stored, per_second, {}, clock) is None:
            return False
        wanted = read_demand(cursor, self._provider)
        planned = plan_next(slots.moment, slots.server, slots.stored, per_second, wanted, clock)
        if planned is not None:
            insert_slot(cursor, self._provider, planned)
        return True

    def _clear_stuck(self, cursor: Cursor, slots: SlotsRead) -> bool:
        if not is_stuck(slots.moment, slots.stored):
            self._stuck_since = None
            return False
        now = self._clock()
        if self._stuck_since is None:
            self._stuck_since = now
        elif now - self._stuck_since > STUCK_AFTER:
            delete_ahead(cursor, self._provider)
        return True

    def _take_over(self, slots: SlotsRead) -> None:
        if self._state() is not ClockState.SETTLED:
            return
        present = slot_at(slots.moment)
        with self._lock:
            for one in slots.stored:
                slot = one.plan.slot
                if slot in (present, present + 1) and one.server == slots.server:
                    if self._grants.take_over(one.plan, self._clock()):
                        self._plan_of[slot] = one.plan
                    self._latest = slot
        self._plan_of = {n: plan for n, plan in self._plan_of.items() if n >= present}

    def _take_spare(self, slots: SlotsRead, wanted: int) -> None:
        present = slot_at(slots.moment)
        plan = self._plan_of.get(present)
        missing = wanted - self.upcoming(1.0)
        if plan is None or missing <= 0 or not self._has_spare(present):
            return
        with self._lock:
            serves = self._grants.serves(present)
        if not serves:
            return
        with self._database.transaction() as cursor:
            taken = take_spare(cursor, self._provider, present, missing)
        if taken:
            with self._lock:
                self._grants.add_spare(plan, taken.start, taken.stop)

    def _sweep(self, cursor: Cursor, slots: SlotsRead) -> None:
        if self._clock() - self._swept_at > SWEEP_INTERVAL:
            self._swept_at = self._clock()
            sweep_slots(cursor, self._provider, slots.moment)

    def _state(self) -> ClockState:
        with self._lock:
            return self._server_clock.state(self._clock())

    # --- using ----------------------------------------------------------------------------

    def reading(self) -> ClockReading | None:
        """Return the server's time as this sender knows it; None: it does not."""
        with self._lock:
            return self._server_clock.read(self._clock())

    def take(self, units: int) -> Taken | None:
        """Take grants of up to so many messages that may start now; None: none is due."""
        return self._take(lambda reading: self._grants.take_up_to(reading, units))

    def take_for(self, cost: int) -> Taken | None:
        """Take the grants of one message of `cost` units that may start now."""
        return self._take(lambda reading: self._grants.take(reading, cost))

    def _take(self, take: Callable[[ClockReading], DueGrants | None]) -> Taken | None:
        with self._lock:
            now = self._clock()
            reading = self._server_clock.read(now)
            due = None if reading is None else take(reading)
            if due is None or reading is None:
                return None
            return Taken(due.units, now + due.until - reading.moment)

    def upcoming(self, seconds: float) -> int:
        """Return the number of grants that are due now or within so many seconds."""
        with self._lock:
            reading = self._server_clock.read(self._clock())
            return 0 if reading is None else self._grants.upcoming(reading, seconds)

    def next_in(self) -> float | None:
        """Return the seconds until the next grant is due; None: there is none."""
        with self._lock:
            reading = self._server_clock.read(self._clock())
            instant = None if reading is None else self._grants.next_instant(reading)
            if instant is None or reading is None:
                return None
            return max(0.0, instant - reading.moment)

    def drop_gathered(self) -> None:
        """Lose the grants that a message of several segments had gathered."""
        with self._lock:
            self._grants.drop_gathered()

    @property
    def lost(self) -> int:
        """Number of grants that were missed."""
        return self._grants.lost


def _rounded(wanted: int) -> int:
    """Return a number of units rounded up to two binary digits."""
    if wanted < 4:
        return wanted
    unit = 1 << (wanted.bit_length() - 2)
    return -(-wanted // unit) * unit
