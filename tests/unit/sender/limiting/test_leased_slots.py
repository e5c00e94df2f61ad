"""Leases that share a clock: what they have read, and what a step of the clock does to them."""

from decimal import Decimal

import pytest

from campaign_common.domain.limits.planning import StoredSlot
from campaign_common.domain.limits.server_clock import SETTLED_AFTER, ClockState
from campaign_common.domain.limits.slots import SlotPlan
from campaign_common.store.limits.slot_leases import SlotsRead
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.leased_slots import LeasedSlots

SENDER = "0123456789abcdef"
SLOT = 1_796_000_000


class Bench:
    """A server's clock that a test moves, and the slots that are stored there."""

    def __init__(self) -> None:
        self.local = 100.0
        self.ahead = 0.0
        self.clock = DatabaseClock(lambda: self.local)
        self.one, self.other = self.lease("campaign:1"), self.lease("campaign:2")
        self.settle()

    def lease(self, name: str) -> LeasedSlots:
        return LeasedSlots(name, SENDER, self.clock, 0.25)

    @property
    def moment(self) -> float:
        return SLOT + self.local - 100.0 + self.ahead

    def settle(self) -> None:
        """Have the clock known for long enough."""
        for _ in range(5):
            self.clock.add(self.local, self.moment, "a")
            self.local += SETTLED_AFTER / 4
        assert self.clock.state() is ClockState.SETTLED

    def read(self, lease: LeasedSlots, *slots: int) -> bool:
        """Let a lease read slots of two grants each; True where it has new ones."""
        self.clock.add(self.local, self.moment, "a")
        plans = [SlotPlan(slot, 2, Decimal(2), {SENDER: 2}) for slot in slots]
        read = SlotsRead(self.moment, "a", [StoredSlot(plan, 0, "a") for plan in plans])
        lease.note_read(read)
        return lease.add_shares(read)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_a_lease_finds_at_first_is_not_its_own(bench: Bench) -> None:
    """A lease of the same sender may have taken it: of a rate that was removed and set again."""
    present = int(bench.moment)
    assert not bench.read(bench.one, present)
    assert bench.read(bench.one, present, present + 1)
    assert bench.one.upcoming(3.0) == 2, "of the next slot alone"


def test_half_of_many_spare_grants_are_taken_at_once(bench: Bench) -> None:
    """They follow each other in time: a few of them would be over in a moment."""
    quota = 100_000
    plan = SlotPlan(int(bench.moment) + 1, quota, Decimal(quota), {})
    bench.read(bench.one)
    slots = SlotsRead(bench.moment, "a", [StoredSlot(plan, 0, "a")])
    assert bench.one.add_shares(slots)
    bench.local += 1.25 - bench.moment % 1.0
    offered = bench.one.offered_spare(10)
    assert offered is not None
    assert offered.wanted == len(offered.indices) // 2 > 20_000


def test_a_step_of_the_clock_drops_the_grants_of_all(bench: Bench) -> None:
    """Of those too that have read nothing since; what they find then is refused."""
    present = int(bench.moment)
    for lease in (bench.one, bench.other):
        bench.read(lease)
        assert bench.read(lease, present, present + 1)
        assert lease.upcoming(3.0) > 0
    bench.ahead += 1.0
    bench.read(bench.one, present + 1, present + 2)
    for lease in (bench.one, bench.other):
        assert lease.upcoming(3.0) == 0
        assert lease.take(9) is None
    bench.settle()
    present = int(bench.moment)
    assert bench.read(bench.one, present + 1)
    assert not bench.read(bench.other, present + 1), "planned before it has read"
    bench.local += 1.0
    assert bench.read(bench.other, present + 1, present + 2)
