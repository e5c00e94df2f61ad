from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest

from campaign_common.domain.limits.grants import SlotGrants
from campaign_common.domain.limits.planning import StoredSlot, plan_next, spare_bounds
from campaign_common.domain.limits.server_clock import ClockReading, ClockState
from campaign_common.domain.limits.slots import (
    GRANT_LIFETIME,
    Block,
    SlotDemand,
    SlotPlan,
    quota_of,
    share_out,
    share_out_blocks,
)

SLOT = 1_800_000_000
RATE = Decimal(10)


def _stored(slot: int, server: str = "one", quota: int = 10) -> StoredSlot:
    return StoredSlot(SlotPlan(slot, quota, RATE, {}), 0, server)


BEFORE = [_stored(SLOT - 1), _stored(SLOT)]


@pytest.mark.parametrize(
    ("rate", "slots", "total"),
    [
        pytest.param("500", 1, 500, id="whole"),
        pytest.param("0.1", 1000, 100, id="a tenth"),
        pytest.param("0.333", 1000, 333, id="thousandths"),
        pytest.param("7.5", 2, 15, id="seven and a half"),
    ],
)
def test_fractions_add_up_over_the_slots(rate: str, slots: int, total: int) -> None:
    quotas = [quota_of(SLOT + n, Decimal(rate)) for n in range(slots)]
    assert sum(quotas) == total
    assert max(quotas) - min(quotas) <= 1


@pytest.mark.parametrize(
    ("wanted", "shares"),
    [
        pytest.param({"a": 3, "b": 4}, {"a": 4, "b": 5}, id="enough for all"),
        pytest.param({"a": 1}, {"a": 8}, id="some for what may come"),
        pytest.param({"a": 30, "b": 10}, {"a": 8, "b": 2}, id="by what is wanted"),
        pytest.param({"a": 0}, {}, id="nothing wanted"),
        pytest.param({}, {}, id="no sender"),
    ],
)
def test_a_quota_is_shared_by_what_is_wanted(
    wanted: dict[str, int], shares: dict[str, int]
) -> None:
    assert share_out(10, wanted) == shares


@pytest.mark.parametrize(
    ("wanted", "shares"),
    [
        pytest.param({"a": 4}, {"a": 500_000}, id="much more than is wanted"),
        pytest.param({"a": 4_000, "b": 8_000}, {"a": 166_666, "b": 333_333}, id="half is spare"),
        pytest.param({"a": 300_000}, {"a": 1_000_000}, id="all that there is"),
    ],
)
def test_a_quota_that_is_not_reached_is_shared_amply(
    wanted: dict[str, int], shares: dict[str, int]
) -> None:
    assert share_out(1_000_000, wanted) == shares


@pytest.mark.parametrize(
    ("quota", "wanted"),
    [
        pytest.param(10, {"a": 10, "b": 10, "c": 10}, id="ties"),
        pytest.param(1, {"a": 4, "b": 3, "c": 4}, id="less than senders"),
        pytest.param(5, {"a": 1000, "b": 10}, id="very different"),
    ],
)
def test_remainders_go_round(quota: int, wanted: dict[str, int]) -> None:
    """Over many slots each sender has its share, whatever its name."""
    total: Counter[str] = Counter()
    for slot in range(SLOT, SLOT + 1000):
        shares = share_out(quota, wanted, slot)
        assert sum(shares.values()) == quota
        total.update(shares)
    for sender, units in wanted.items():
        assert total[sender] == pytest.approx(1000 * quota * units / sum(wanted.values()), abs=8)


@pytest.mark.parametrize("quota", [1, 7, 500, 4_000, 20_000])
def test_each_grant_has_one_instant_of_its_own(quota: int) -> None:
    shares = share_out(quota, {"a": quota, "b": 3 * quota, "c": 1 + quota // 7})
    plan = SlotPlan(SLOT, quota, Decimal(quota), shares)
    instants = [plan.instants(name) for name in shares]
    moments = sorted(one.at(n) for one in instants for n in range(len(one)))
    assert len(moments) + plan.spare == quota
    assert moments[0] > SLOT
    assert moments[-1] < SLOT + 1 - GRANT_LIFETIME
    if quota <= 4_000:
        distances = [later - earlier for earlier, later in pairwise(moments)]
        assert max(distances, default=0) == pytest.approx(min(distances, default=0), abs=1e-5)
    for one in instants:
        assert [one.due_by(one.at(n)) for n in range(len(one))] == pytest.approx(
            [n + 1 for n in range(len(one))], abs=1
        )


@pytest.mark.parametrize(
    ("moment", "server", "stored", "clock", "quota"),
    [
        pytest.param(0.6, "one", BEFORE, ClockState.SETTLED, 10, id="behind two slots"),
        pytest.param(0.4, "one", BEFORE, ClockState.SETTLED, None, id="too early"),
        pytest.param(0.6, "one", [*BEFORE, _stored(SLOT + 1)], ClockState.SETTLED, None, id="done"),
        pytest.param(0.6, "one", [*BEFORE, _stored(SLOT + 9)], ClockState.SETTLED, None, id="back"),
        pytest.param(0.6, "one", BEFORE[1:], ClockState.SETTLED, 0, id="behind a gap"),
        pytest.param(0.6, "one", BEFORE[1:], ClockState.STEADY, 10, id="behind a known gap"),
        pytest.param(0.6, "one", [], ClockState.STEADY, 10, id="behind a known pause"),
        pytest.param(0.6, "two", BEFORE[1:], ClockState.STEADY, 0, id="just after another server"),
        pytest.param(0.6, "one", [], ClockState.NEW, 0, id="the first"),
        pytest.param(0.6, "two", BEFORE, ClockState.SETTLED, 0, id="another server"),
        pytest.param(0.6, "one", BEFORE, ClockState.NEW, None, id="by one that is new"),
        pytest.param(0.6, "one", BEFORE, ClockState.STEPPED, 0, id="behind a step"),
    ],
)
def test_the_next_slot_is_planned_where_nothing_else_is_valid(
    moment: float, server: str, stored: list[StoredSlot], clock: ClockState, quota: int | None
) -> None:
    planned = plan_next(SLOT + moment, server, stored, RATE, {"a": SlotDemand(99)}, clock)
    assert (planned.plan.quota if planned else None) == quota


def test_slots_behind_a_step_are_blank_for_all() -> None:
    marked = plan_next(SLOT + 0.6, "one", BEFORE, RATE, {"a": SlotDemand(9)}, ClockState.STEPPED)
    assert marked is not None
    stored = [*BEFORE, marked]
    quotas = []
    for slot in range(SLOT + 1, SLOT + 4):
        planned = plan_next(
            slot + 0.6, "one", stored, RATE, {"a": SlotDemand(9)}, ClockState.SETTLED
        )
        assert planned is not None
        stored.append(planned)
        quotas.append(planned.plan.quota)
    assert quotas == [0, 0, 10]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param(0.0, range(5), id="not the second half"),
        pytest.param(0.55, range(6, 10), id="what has passed is lost"),
        pytest.param(1.2, range(0), id="another slot"),
    ],
)
def test_spare_grants_keep_the_rate_of_their_slot(moment: float, expected: range) -> None:
    plan = _stored(SLOT).plan
    assert spare_bounds(plan, plan.instants(None), SLOT + moment) == expected


def _grants(quota: int = 10) -> SlotGrants:
    grants = SlotGrants("a")
    grants.add_share(SlotPlan(SLOT, quota, Decimal(quota), {"a": quota}), 0.0)
    return grants


def _at(moment: float, margin: float = 0.002) -> ClockReading:
    return ClockReading(SLOT + moment, margin)


def test_a_grant_that_is_missed_is_lost() -> None:
    grants = _grants()
    assert grants.take(_at(0.05), 1) is None
    first = grants.take(_at(0.065), 1)
    assert first is not None
    assert grants.take(_at(0.065), 1) is None
    assert grants.take(_at(0.2), 1) is None, "that of 0.15 is lost"
    assert grants.upcoming(_at(0.2), 1.0) == 8


def test_grants_that_last_are_taken_where_there_are_enough() -> None:
    """Starts in one go take their time; the older grants are left."""
    for units, lasts in ((1, 0.010), (9, 0.010), (19, 0.001)):
        due = _grants(1_000).take_up_to(_at(0.5), units)
        assert due is not None
        assert due.units == units
        assert lasts - 0.001 <= due.end - SLOT - 0.5 <= lasts + 0.001
    grants = _grants(1_000)
    assert grants.take_up_to(_at(0.5), 5) is not None
    left = grants.take_up_to(_at(0.5), 20)
    assert left is not None
    assert left.units == 5, "each is taken once, and those before are lost"


def test_a_sender_that_has_slept_has_no_grants() -> None:
    grants = _grants()
    assert grants.take(_at(1.2), 1) is None
    assert grants.upcoming(_at(1.2), 5.0) == 0


def test_a_grant_is_no_longer_valid_than_its_slot() -> None:
    due = _grants(100).take(_at(0.968, margin=0.025), 1)
    assert due is not None
    assert due.end <= SLOT + 0.975


def _blocks(slot: int, *blocks: Block, quota: int = 10, rate: int = 10) -> SlotPlan:
    return SlotPlan.of_blocks(slot, quota, Decimal(rate), blocks)


def test_a_long_message_starts_at_the_last_of_its_grants() -> None:
    grants = SlotGrants("a")
    grants.add_share(_blocks(SLOT, Block("a", 10)), 0.0)
    moments = [n / 1000 for n in range(1000) if grants.take(_at(n / 1000), 3)]
    assert moments == pytest.approx([0.25, 0.54, 0.83], abs=0.02)


def test_grants_of_a_message_go_on_in_the_next_slot() -> None:
    """Where its sender has the end of the one and the beginning of the other."""
    grants = SlotGrants("a")
    grants.add_share(_blocks(SLOT, Block("b", 8), Block("a", 2, owed=1)), 0.0)
    grants.add_share(_blocks(SLOT + 1, Block("a", 3), Block("b", 7)), 0.0)
    moments = [n / 1000 for n in range(2000) if grants.take(_at(n / 1000), 3)]
    assert moments == pytest.approx([1.06], abs=0.02)


def test_scattered_grants_start_no_long_message() -> None:
    grants = SlotGrants("a")
    grants.add_share(_blocks(SLOT, Block("a", 2), Block("b", 8)), 0.0)
    grants.add_share(_blocks(SLOT + 1, Block("a", 2), Block("b", 8)), 0.0)
    assert not any(grants.take(_at(n / 1000), 3) for n in range(2000))


def test_nothing_is_kept_for_a_message_that_has_gone() -> None:
    """The next one starts at a grant of its own, and not later than that lasts."""
    grants = SlotGrants("a")
    grants.add_share(_blocks(SLOT, Block("a", 1, owed=4), quota=1, rate=1), 0.0)
    assert not any(grants.take(_at(n / 1000), 5) for n in range(1000))
    assert grants.take(_at(3600.5), 2) is None


def test_interleaved_grants_start_no_long_message() -> None:
    """After a change of the unit, for the slots that were planned before."""
    assert _grants().take(_at(0.9), 2) is None


@pytest.mark.parametrize(
    ("quota", "demands", "previous", "expected"),
    [
        pytest.param(
            10,
            {"a": SlotDemand(100, 3), "b": SlotDemand(100, 3)},
            None,
            {"a": 6, "b": 4},
            id="whole messages",
        ),
        pytest.param(
            10,
            {"a": SlotDemand(100, 3), "b": SlotDemand(100, 3)},
            Block("b", 4, owed=2),
            {"b": 2, "a": 6},
            id="what is owed comes first",
        ),
        pytest.param(1, {"a": SlotDemand(9, 3)}, Block("a", 1, owed=2), {"a": 1}, id="a slow rate"),
        pytest.param(
            0, {"a": SlotDemand(9, 3)}, Block("a", 1, owed=2), {"a": 0}, id="less than one"
        ),
        pytest.param(10, {"a": SlotDemand(0, 3)}, Block("a", 1, owed=2), {}, id="nothing wanted"),
        pytest.param(10, {"a": SlotDemand(2, 2)}, None, {"a": 10}, id="some for what may come"),
    ],
)
def test_blocks_hold_whole_messages(
    quota: int, demands: dict[str, SlotDemand], previous: Block | None, expected: dict[str, int]
) -> None:
    blocks = share_out_blocks(quota, demands, 0, previous)
    assert {block.sender: block.units for block in blocks} == expected
    if blocks and quota and blocks[-1].sender in expected and quota == 1:
        assert blocks[-1].owed == 1
    if not quota and blocks:
        assert blocks[-1].owed == 2


@pytest.mark.parametrize(
    ("senders", "rate", "cost"),
    [
        pytest.param(10, "10", 10, id="each slot one message"),
        pytest.param(3, "1", 3, id="slower than a message"),
        pytest.param(4, "0.5", 2, id="less than one a second"),
        pytest.param(5, "7.5", 4, id="fractions"),
        pytest.param(10, "100", 3, id="many"),
        pytest.param(2, "12", 10, id="one and a bit"),
    ],
)
def test_long_messages_share_a_rate_in_turns(senders: int, rate: str, cost: int) -> None:
    """No second has more than its quota and one message, each sender starts, none is lost."""
    names = [f"{number:016x}" for number in range(senders)]
    grants = {name: SlotGrants(name) for name in names}
    demands = {name: SlotDemand(100, cost) for name in names}
    starts: list[float] = []
    by_sender: Counter[str] = Counter()
    last: Block | None = None
    for slot in range(60):
        quota = quota_of(SLOT + slot, Decimal(rate))
        blocks = share_out_blocks(quota, demands, SLOT + slot, last)
        plan = SlotPlan.of_blocks(SLOT + slot, quota, Decimal(rate), blocks)
        last = plan.last_block
        for name in names:
            grants[name].add_share(plan, slot)
        for tick in range(0, 1000, 5):
            for name in names:
                while grants[name].take(_at(slot + tick / 1000), cost):
                    starts.append(slot + tick / 1000)
                    by_sender[name] += 1
    fullest = max(sum(at <= other < at + 1 for other in starts) for at in starts)
    assert fullest * cost <= 1.05 * float(rate) + cost
    assert len(starts) * cost >= 0.95 * 60 * float(rate) - cost
    assert min(by_sender[name] for name in names) >= max(by_sender.values()) // 2


@pytest.mark.parametrize("rate", ["0.1", "1", "2", "5"])
@pytest.mark.parametrize("margin", [0.005, 0.031, 0.06])
def test_a_slow_rate_is_used_by_a_coarse_clock(rate: str, margin: float) -> None:
    quota = granted = 0
    for slot in range(SLOT, SLOT + 40):
        number = quota_of(slot, Decimal(rate))
        quota += number
        grants = SlotGrants("a")
        grants.add_share(SlotPlan(slot, number, Decimal(rate), {"a": number}), 0.0)
        readings = [ClockReading(slot + tick / 200, margin) for tick in range(200)]
        granted += sum(grants.take(reading, 1) is not None for reading in readings)
    assert granted == quota


def test_the_shares_of_a_slot_are_taken_over_once() -> None:
    grants = _grants()
    plan = SlotPlan(SLOT, 10, RATE, {"a": 10})
    assert not grants.add_share(plan, 1.0)
    assert grants.upcoming(_at(0.0), 1.0) == 10


def _of_a_rate(*slots: int) -> SlotGrants:
    grants = SlotGrants("a", latest=0.25)
    for slot in slots:
        assert grants.add_share(SlotPlan(slot, 10, RATE, {"a": 10}), 0.0)
    return grants


def test_a_grant_of_a_rate_waits_into_the_next_slot() -> None:
    grants = _of_a_rate(SLOT)
    taken = grants.take_up_to(_at(1.05), 100)
    assert taken is not None
    assert taken.units == 2
    assert taken.end == pytest.approx(SLOT + 0.826 + 0.25, abs=0.01)
    assert grants.take_up_to(_at(1.05), 100) is None


def test_grants_of_a_rate_that_wait_exceed_a_second_by_a_quarter() -> None:
    """However late they are used, in no second are there more than 1.25 times the rate and one."""
    grants = _of_a_rate(SLOT, SLOT + 1, SLOT + 2)
    started: list[float] = []
    for step in range(300):
        moment = 0.3 + step / 100
        if step % 60 < 30:  # what is due waits for a grant of the provider now and then
            continue
        while grants.take_up_to(_at(moment), 1) is not None:
            started.append(moment)
    assert started
    most = max(sum(first <= at < first + 1 for at in started) for first in started)
    assert most <= 10 * 1.25 + 1
