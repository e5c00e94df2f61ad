"""Slot lease: this sender's grants of one provider, leased from the database slot by slot."""

import time
from decimal import Decimal

from campaign_common.database import Cursor, Database
from campaign_common.domain.limits.planning import slot_at
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_common.domain.limits.server_clock import ClockReading
from campaign_common.domain.limits.slots import GRANT_LIFETIME, SlotDemand
from campaign_common.domain.limits.turn_times import TurnTimes
from campaign_common.runtime.late_slots import LateSlots
from campaign_common.store.limits.live_limits import CONFIGURED
from campaign_common.store.limits.slot_leases import (
    SlotsRead,
    delete_ahead,
    insert_slot,
    read_slots,
    state_demand,
    sweep_slots,
    take_spare,
)
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.leased_slots import LeasedSlots, Taken

__all__ = ["SlotLease", "Taken"]

OLD_SLOTS_INTERVAL = 20.0
"""Seconds between two deletions of slots that are over."""

IDLE_AFTER = 60.0
"""Seconds without a message to send, after which a sender plans no slots."""

CLOCK_INTERVAL = 3.0
"""Seconds between two reads of the server's time where no slots are needed."""

SPARE_PAUSE = 0.25
"""Seconds between two turns where grants are missing, and some are spare."""

UNKNOWN_PAUSE = 0.2
"""Seconds until the next turn while the server's time is not known, or nothing is wanted."""


class SlotLease(LeasedSlots):
    """Grants of one provider for one sender; every method may be called from any thread.

    `turn` is called about twice in each slot. It takes the database's time with each read.
    """

    def __init__(
        self, database: Database, provider: str, sender: str, clock: DatabaseClock
    ) -> None:
        self._server_clock = clock
        super().__init__(provider, sender, clock, GRANT_LIFETIME)
        self._database = database
        self._local = clock.local
        self._times = TurnTimes(sender)
        self._late = LateSlots(f"limits of {provider}")
        self._has_slots = False
        self._turned_at = 0.0
        self._wanted_at = clock.local()
        self._swept_at = clock.local()

    def turn(
        self,
        limits: ProviderLimits,
        wanted: int,
        demand: SlotDemand,
        version: int = CONFIGURED,
    ) -> None:
        """Lease grants: read the slots, plan the next one, and take spare grants if needed.

        Without a rate only the server's time is read, and after a minute without messages nothing.

        Args:
            limits: limits with their ramp.
            wanted: units that wait, for which spare grants are taken.
            demand: what this sender would send in the next slot.
            version: version of the limits.

        Raises:
            RetryLater: the database is down; grants that are held stay valid in their slots.
        """
        if wanted:
            self._wanted_at = self._local()
        elif self._is_idle():
            return
        in_blocks = limits.unit is LimitUnit.SEGMENTS
        self._turned_at = self._local()
        with self._database.reading() as cursor:
            if (reading := self.reading()) is not None:
                time.sleep(self._times.until_read(reading.moment))
            began = self._local()
            slots = self._read(cursor, in_blocks=in_blocks)
            self._has_slots = limits.around(slots.moment).per_second is not None
            if self._has_slots:
                self.add_shares(slots)
                self._plan_next(cursor, slots, limits, version, demand)
                self._times.note(slots.moment, self._local() - began, self.reading())
                self._state_demand(cursor, slots, demand)
                self._sweep(cursor, slots)
                if (spare := self.offered_spare(wanted)) is not None:
                    taken = take_spare(cursor, self.name, *spare)
                    self.add_spare(spare.slot, taken)

    @property
    def is_late(self) -> bool:
        """Return whether slots begin before they are planned."""
        return self._late.is_late

    def _is_idle(self) -> bool:
        return self._local() - self._wanted_at > IDLE_AFTER

    def until_turn(self, wanted: int) -> float:
        """Return the seconds until the next turn: in the second half of each slot.

        Where grants are missing for what is `wanted`, the turn comes sooner, for spare ones.
        """
        reading = self.reading()
        if reading is None or (not wanted and self._is_idle()):
            return UNKNOWN_PAUSE
        if not self._has_slots:
            return CLOCK_INTERVAL
        until = self._times.until(reading.moment, is_alone=self.is_alone)
        if self._lacks_grants(wanted, reading, until):
            until = min(until, SPARE_PAUSE)
        return until + 0.005

    def is_due(self, wanted: int) -> bool:
        """Return whether messages that have come call for a turn at once: grants are spare."""
        reading = self.reading()
        if reading is None or self._local() - self._turned_at < SPARE_PAUSE:
            return False
        until = self._times.until(reading.moment, is_alone=self.is_alone)
        return self._lacks_grants(wanted, reading, until)

    def _lacks_grants(self, wanted: int, reading: ClockReading, until: float) -> bool:
        """Return whether spare grants are needed, `until` seconds before the next turn of a slot.

        Not where that turn would come too late for it.
        """
        return (
            wanted > self.upcoming(1.0)
            and until > SPARE_PAUSE + 3 * self._times.trip
            and self.has_spare(slot_at(reading.moment))
        )

    def _state_demand(self, cursor: Cursor, slots: SlotsRead, demand: SlotDemand) -> None:
        if slots.moment % 1.0 < self._times.planned_from:
            return
        stated = self.demand_to_state(slots.moment, demand)
        if stated is not None:
            state_demand(cursor, self.name, self._sender, stated)
            self.note_stated(slots.moment, stated)

    def _read(self, cursor: Cursor, *, in_blocks: bool) -> SlotsRead:
        began = self._local()
        # A slot of blocks is planned by the one before it.
        known = max(0, self.latest - 1) if in_blocks else self.latest
        slots = read_slots(cursor, self.name, shares_after=known)
        self._server_clock.add(began, slots.moment, slots.server)
        self.note_read(slots)
        return slots

    def _plan_next(
        self,
        cursor: Cursor,
        slots: SlotsRead,
        limits: ProviderLimits,
        version: int,
        demand: SlotDemand,
    ) -> None:
        """Plan the next slot where that is due; read it where another sender has planned it."""
        if self.note_stuck(slots):
            if self.is_stuck_for_long:
                delete_ahead(cursor, [self.name])
            return
        planned_from = self._times.planned_from
        if not self.lacks_plan(slots, planned_from):
            return
        per_second = limits.at(slots.moment + 1).per_second or Decimal(0)
        in_blocks = limits.unit is LimitUnit.SEGMENTS
        planned = self.plan(
            slots, per_second, demand, in_blocks=in_blocks, planned_from=planned_from
        )
        if planned is None:
            return
        if insert_slot(cursor, self.name, planned, version):
            self.note_planned(slots, planned)
            self._late.note(is_late=planned.is_blank)
            return
        read = self._read(cursor, in_blocks=in_blocks)
        self.add_shares(read)
        self._late.note(is_late=planned.plan.slot not in {one.plan.slot for one in read.stored})

    def _sweep(self, cursor: Cursor, slots: SlotsRead) -> None:
        if self._local() - self._swept_at > OLD_SLOTS_INTERVAL:
            self._swept_at = self._local()
            sweep_slots(cursor, self.name, slots.moment)
