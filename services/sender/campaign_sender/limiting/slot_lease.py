"""Slot lease: this sender's grants of one provider, leased from the database slot by slot."""

from collections.abc import Callable
from decimal import Decimal

from campaign_common.database import Cursor, Database
from campaign_common.domain.limits.planning import PLANNED_FROM, slot_at
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_common.domain.limits.slots import LATEST, SlotDemand
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
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.leased_slots import LeasedSlots, Taken

__all__ = ["SlotLease", "Taken"]

SWEEP_INTERVAL = 20.0
"""Seconds between two deletions of slots that are over."""

IDLE_AFTER = 60.0
"""Seconds without a message to send, after which a sender plans no slots."""

CLOCK_INTERVAL = 3.0
"""Seconds between two reads of the server's time where no slots are needed."""

UNKNOWN_PAUSE = 0.2
"""Seconds until the next turn while the server's time is not known, or nothing is wanted."""


class SlotLease(LeasedSlots):
    """Grants of one provider for one sender; every method may be called from any thread.

    `turn` is called about twice in each slot. It takes the database's time with each read, and
    grants are counted by `clock`, which must include suspension.
    """

    def __init__(
        self, database: Database, provider: str, sender: str, clock: Callable[[], float]
    ) -> None:
        self._server_clock = DatabaseClock(clock, provider)
        super().__init__(provider, sender, self._server_clock, LATEST)
        self._database = database
        self._local = clock
        self._phase = turn_phase(sender)
        self._has_slots = False
        self._wanted_at = clock()
        self._swept_at = clock()

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
            self._wanted_at = self._local()
        elif self._is_idle():
            return
        in_blocks = limits.unit is LimitUnit.SEGMENTS
        with self._database.reading() as cursor:
            slots = self._read(cursor, in_blocks=in_blocks)
            self._has_slots = limits.around(slots.moment).per_second is not None
            if self._has_slots:
                self._state_demand(cursor, slots, SlotDemand(wanted, cost))
                if self._plan(cursor, slots, limits, version):
                    slots = self._read(cursor, in_blocks=in_blocks)
                self.add_shares(slots)
                self._sweep(cursor, slots)
                if (spare := self.offered_spare(wanted)) is not None:
                    taken = take_spare(cursor, self.name, *spare)
                    self.add_spare(spare.slot, taken)

    def _is_idle(self) -> bool:
        return self._local() - self._wanted_at > IDLE_AFTER

    def pause(self, wanted: int) -> float:
        """Return the seconds until the next turn: in the second half of each slot.

        Where grants are missing for what is `wanted`, the turn comes sooner, for spare ones.
        """
        reading = self.reading()
        if reading is None or (not wanted and self._is_idle()):
            return UNKNOWN_PAUSE
        if not self._has_slots:
            return CLOCK_INTERVAL
        until = until_turn(reading.moment, self._phase, is_alone=self.is_alone)
        if wanted > self.upcoming(1.0) and self.has_spare(slot_at(reading.moment)):
            until = min(until, 0.25)
        return until + 0.005

    def _state_demand(self, cursor: Cursor, slots: SlotsRead, demand: SlotDemand) -> None:
        stated = self.demand_to_state(demand)
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

    def _plan(self, cursor: Cursor, slots: SlotsRead, limits: ProviderLimits, version: int) -> bool:
        """Plan the next slot where that is due; True where the slots have to be read again."""
        if self.note_stuck(slots):
            if self.is_stuck_for_long:
                delete_ahead(cursor, [self.name])
            return False
        per_second = limits.at(slots.moment + 1).per_second or Decimal(0)
        if not self.lacks_plan(slots, per_second):
            return False
        demands = read_demand(cursor, self.name)
        in_blocks = limits.unit is LimitUnit.SEGMENTS
        planned = self.plan(slots, per_second, demands, in_blocks=in_blocks)
        if planned is not None and insert_slot(cursor, self.name, planned, version):
            self.note_planned(planned)
        return True

    def _sweep(self, cursor: Cursor, slots: SlotsRead) -> None:
        if self._local() - self._swept_at > SWEEP_INTERVAL:
            self._swept_at = self._local()
            sweep_slots(cursor, self.name, slots.moment)


def turn_phase(sender: str) -> float:
    """Return the place of a sender's turns among those of all senders, from 0 to 1."""
    return int(sender[-4:], 16) / 0x10000 if sender else 0.0


def until_turn(moment: float, phase: float, *, is_alone: bool) -> float:
    """Return the seconds from a moment of the server's clock until the next turn.

    Senders come one after another. One that is alone comes early, so that a pause of the process
    does not leave a slot without a plan.
    """
    turn = PLANNED_FROM + 0.05 + 0.35 * (0.0 if is_alone else phase)
    return (turn - moment % 1.0) % 1.0 or 1.0
