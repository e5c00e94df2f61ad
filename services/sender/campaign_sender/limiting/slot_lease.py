"""Slot lease: this sender's grants of one provider, leased from the database slot by slot."""

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import structlog

from campaign_common.database import Cursor, Database
from campaign_common.domain.limits.grants import DueGrants, SlotGrants
from campaign_common.domain.limits.planning import (
    PLANNED_FROM,
    STUCK_AFTER,
    is_stuck,
    plan_next,
    slot_at,
    spare_bounds,
)
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_common.domain.limits.server_clock import ClockReading, ClockState, ServerClock
from campaign_common.domain.limits.slots import LATEST, Instants, SlotDemand, SlotPlan
from campaign_common.runtime.outage_log import Outage
from campaign_common.store.limits.live_limits import CONFIGURED
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
"""Seconds for which a sender remembers which slots it has read: longer than slots are kept."""

SWEEP_INTERVAL = 20.0
"""Seconds between two deletions of slots that are over."""

IDLE_AFTER = 60.0
"""Seconds without a message to send, after which a sender plans no slots."""

CLOCK_INTERVAL = 3.0
"""Seconds between two reads of the server's time where no slots are needed."""

UNKNOWN_PAUSE = 0.2
"""Seconds until the next turn while the server's time is not known, or nothing is wanted."""

STATED_EVERY = 2
"""Slots after which a sender states again what it wants, though it has not changed."""

log = structlog.get_logger()


class Taken(NamedTuple):
    """Units that may start now."""

    units: int
    until: float
    """Local time in seconds after which they must not start."""
    day: date | None = None
    """Day that they were taken of; None: it has no limit."""


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
        self._stated_in = 0
        self._stated = SlotDemand(0)
        self._latest = 0
        """Latest slot whose shares were read."""
        self._planned = 0
        """Latest slot that this sender has planned."""
        self._is_alone = True
        """True while no other sender wants grants."""
        self._has_slots = False
        self._plan_of: dict[int, SlotPlan] = {}
        self._spare_of: dict[int, Instants] = {}
        self._wanted_at = clock()
        self._stepped = Outage(
            "clock of the database server has changed, no grants for some seconds",
            "clock of the database server is trusted again",
            log.bind(provider=provider),
        )
        self._stuck_since: float | None = None
        self._swept_at = clock()

    # --- leasing --------------------------------------------------------------------------

    def turn(
        self, limits: ProviderLimits, wanted: int, cost: int = 1, version: int = CONFIGURED
    ) -> None:
        """Lease grants: read the slots, plan the next one, and take spare grants if needed.

        Without a rate only the server's time is read, and after a minute without messages nothing.

        Args:
            limits: limits with their ramp.
            wanted: units that this sender would send in the next second.
            cost: the most units that one message costs.
            version: version of the limits.

        Raises:
            RetryLater: the database is down; grants that are held stay valid in their slots.
        """
        if wanted:
            self._wanted_at = self._clock()
        elif self._is_idle():
            return
        in_blocks = limits.unit is LimitUnit.SEGMENTS
        with self._database.reading() as cursor:
            slots = self._read(cursor, in_blocks=in_blocks)
            self._has_slots = limits.around(slots.moment).per_second is not None
            if self._has_slots:
                self._state_demand(cursor, SlotDemand(wanted, cost))
                if self._plan(cursor, slots, limits, version):
                    slots = self._read(cursor, in_blocks=in_blocks)
                self._add_shares(slots)
                self._sweep(cursor, slots)
                self._take_spare(cursor, slots, wanted)

    def _is_idle(self) -> bool:
        return self._clock() - self._wanted_at > IDLE_AFTER

    def pause(self, wanted: int) -> float:
        """Return the seconds until the next turn: in the second half of each slot.

        Senders come one after another. One that is alone comes early, so that a pause of the
        process does not leave a slot without a plan. Where grants are missing for what is `wanted`,
        the turn comes sooner, for spare ones.
        """
        reading = self.reading()
        if reading is None or (not wanted and self._is_idle()):
            return UNKNOWN_PAUSE
        if not self._has_slots:
            return CLOCK_INTERVAL
        phase = 0.0 if self._is_alone else self._phase
        turn = PLANNED_FROM + 0.05 + 0.35 * phase
        until = (turn - reading.moment % 1.0) % 1.0 or 1.0
        if wanted > self.upcoming(1.0) and self._has_spare(slot_at(reading.moment)):
            until = min(until, 0.25)
        return until + 0.005

    def _has_spare(self, slot: int) -> bool:
        plan = self._plan_of.get(slot)
        return plan is not None and plan.spare > 0

    def _state_demand(self, cursor: Cursor, demand: SlotDemand) -> None:
        """State what is wanted, in steps: most of the time it need not be written again."""
        reading = self.reading()
        if reading is None or reading.moment % 1.0 < PLANNED_FROM:
            return
        slot, stated = slot_at(reading.moment), demand._replace(wanted=_rounded(demand.wanted))
        is_old = slot - self._stated_in >= STATED_EVERY and stated.wanted > 0
        if stated != self._stated or is_old:
            state_demand(cursor, self._provider, self._sender, stated)
            self._stated_in, self._stated = slot, stated

    def _read(self, cursor: Cursor, *, in_blocks: bool) -> SlotsRead:
        began = self._clock()
        # A slot of blocks is planned by the one before it.
        known = max(0, self._latest - 1) if in_blocks else self._latest
        slots = read_slots(cursor, self._provider, shares_after=known)
        ended = self._clock()
        with self._lock:
            agrees = self._server_clock.add(began, ended, slots.moment, slots.server)
            if not agrees:
                self._grants.refuse([one.plan.slot for one in slots.stored], ended)
                self._latest = 0
            self._grants.forget_before(ended - FORGET_AFTER)
        if not agrees:
            self._stepped.failed(f"it says {slots.moment:.3f} on {slots.server}")
        elif self._state() is ClockState.SETTLED:
            self._stepped.recovered()
        return slots

    def _plan(self, cursor: Cursor, slots: SlotsRead, limits: ProviderLimits, version: int) -> bool:
        """Plan the next slot where that is due; True where the slots have to be read again."""
        if self._clear_stuck(cursor, slots):
            return False
        per_second = limits.at(slots.moment + 1).per_second or Decimal(0)
        clock = self._state()
        if plan_next(slots.moment, slots.server, slots.stored, per_second, {}, clock) is None:
            present = slot_at(slots.moment)
            if any(one.plan.slot not in (present, self._planned) for one in slots.stored[-1:]):
                self._is_alone = False
            return False
        demands = read_demand(cursor, self._provider)
        self._is_alone = demands.keys() <= {self._sender}
        planned = plan_next(
            slots.moment,
            slots.server,
            slots.stored,
            per_second,
            demands,
            clock,
            in_blocks=limits.unit is LimitUnit.SEGMENTS,
        )
        if planned is not None and insert_slot(cursor, self._provider, planned, version):
            self._planned = planned.plan.slot
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

    def _add_shares(self, slots: SlotsRead) -> None:
        if self._state() is not ClockState.SETTLED:
            return
        present = slot_at(slots.moment)
        with self._lock:
            for one in slots.stored:
                slot = one.plan.slot
                if slot in (present, present + 1) and one.server == slots.server:
                    if self._grants.add_share(one.plan, self._clock()):
                        self._plan_of[slot] = one.plan
                    self._latest = slot
        self._plan_of = {n: plan for n, plan in self._plan_of.items() if n >= present}
        self._spare_of = {n: spare for n, spare in self._spare_of.items() if n >= present}

    def _take_spare(self, cursor: Cursor, slots: SlotsRead, wanted: int) -> None:
        reading = self.reading()
        present = slot_at(slots.moment)
        plan = self._plan_of.get(present)
        missing = wanted - self.upcoming(1.0)
        if reading is None or plan is None or missing <= 0 or not self._has_spare(present):
            return
        with self._lock:
            serves = self._grants.serves(present)
        if not serves:
            return
        if present not in self._spare_of:
            self._spare_of[present] = plan.instants(None)
        instants = self._spare_of[present]
        offered = spare_bounds(plan, instants, reading.moment)
        taken = take_spare(cursor, self._provider, present, offered, missing)
        if taken:
            with self._lock:
                self._grants.add_spare(plan, instants, taken.start, taken.stop)

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
            return Taken(due.units, now + due.end - reading.moment)

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


def _rounded(wanted: int) -> int:
    """Return a number of units rounded up to two binary digits."""
    if wanted < 4:
        return wanted
    unit = 1 << (wanted.bit_length() - 2)
    return -(-wanted // unit) * unit
