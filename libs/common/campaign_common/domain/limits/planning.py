"""Planning of slots: the shares of the next one, and the spare grants of the present one.

Slots follow each other without a gap while messages wait. Behind a gap, or on another server,
grants of an earlier time may still be valid somewhere: `BLANK_SLOTS` slots have no grants then.
They last longer than any grant, which is made in the slot before its own. A sender that has
followed the clock of this server for longer than that knows that there is none behind a gap.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import floor
from typing import NamedTuple

from campaign_common.domain.limits.server_clock import ClockState
from campaign_common.domain.limits.slots import (
    Instants,
    SlotDemand,
    SlotPlan,
    quota_of,
    share_out,
    share_out_blocks,
)

BLANK_SLOTS = 2
"""Slots without grants behind a gap, a step of the clock or a change of the server."""

PLANNED_FROM = 0.5
"""Share of a slot after which the next one is planned, where the database is near."""

NO_SERVER = ""
"""Name in place of a server's for slots planned after a step of the clock."""

SPARE_HORIZON = 0.5
"""Seconds ahead for which spare grants are taken: the rest is left to others."""

SPARE_DELAY = 0.02
"""Seconds from the server's decision about spare grants to the first that can be used."""

SLOTS_STUCK_AFTER = 3.0
"""Seconds during which the slots lie ahead of the server's clock, before those are deleted: longer
than the grants in them are valid."""


class StoredSlot(NamedTuple):
    """Slot as the database holds it."""

    plan: SlotPlan
    spare_taken: int
    server: str
    """Server on which it was planned."""

    @property
    def is_blank(self) -> bool:
        """Return whether it has fewer grants than its rate has, as behind a gap."""
        return self.plan.quota < quota_of(self.plan.slot, self.plan.per_second)


def slot_at(moment: float) -> int:
    """Return the slot of a moment in seconds since 1970."""
    return floor(moment)


def plan_next(  # noqa: PLR0913 - what was read, and how it is used
    moment: float,
    server: str,
    stored: Sequence[StoredSlot],
    per_second: Decimal,
    demands: Mapping[str, SlotDemand],
    clock: ClockState,
    *,
    in_blocks: bool = False,
    planned_from: float = PLANNED_FROM,
) -> StoredSlot | None:
    """Plan the slot that follows a moment; None: it is planned, or too early, or left to others.

    A sender that has seen a step of the clock plans a slot of no server: it and those behind it
    are blank. One that does not know the clock for long enough to see a step plans blank ones only.

    Args:
        moment: the server's time, in seconds since 1970.
        server: name of the server that says so.
        stored: the slots from BLANK_SLOTS before the next one on, later ones included.
        per_second: the rate of the next slot.
        demands: what each sender wants in it.
        clock: the sender's trust in that time.
        in_blocks: whether a message may cost several units.
        planned_from: share of the slot before it after which it may be planned.
    """
    slot = slot_at(moment) + 1
    if moment - floor(moment) < planned_from or any(one.plan.slot >= slot for one in stored):
        return None
    blank = SlotPlan(slot, 0, per_second, {})
    if clock is ClockState.STEPPED:
        return StoredSlot(blank, 0, NO_SERVER)
    before = {one.plan.slot: one.server for one in stored}
    servers = {before.get(one, server) for one in range(slot - BLANK_SLOTS, slot)}
    has_gap = not before.keys() >= set(range(slot - BLANK_SLOTS, slot))
    if servers != {server} or (has_gap and clock is not ClockState.STEADY):
        return StoredSlot(blank, 0, server)
    if clock is ClockState.NEW:
        return None
    quota = quota_of(slot, per_second)
    if in_blocks:
        last = next((one.plan.last_block for one in stored if one.plan.slot == slot - 1), None)
        blocks = share_out_blocks(quota, demands, slot, last)
        return StoredSlot(SlotPlan.of_blocks(slot, quota, per_second, blocks), 0, server)
    shares = share_out(quota, {sender: one.wanted for sender, one in demands.items()}, slot)
    return StoredSlot(SlotPlan(slot, quota, per_second, shares), 0, server)


def is_stuck(moment: float, stored: Sequence[StoredSlot]) -> bool:
    """Return whether slots lie ahead of the server's clock: it has gone back."""
    return any(one.plan.slot > slot_at(moment) + 1 for one in stored)


def spare_bounds(plan: SlotPlan, instants: Instants, moment: float) -> range:
    """Return the indices of the spare grants that may be given out at a moment.

    Those whose instants have passed are lost, so that the rest keeps the slot's rate.

    Args:
        plan: the running slot.
        instants: those of its spare grants.
        moment: the server's time, in seconds since 1970.
    """
    if slot_at(moment) != plan.slot:
        return range(0)
    first = instants.due_by(moment + SPARE_DELAY)
    return range(first, max(first, instants.due_by(moment + SPARE_HORIZON)))
