from decimal import Decimal
from itertools import pairwise

import pytest

from campaign_common.domain.limits.grants import SlotGrants
from campaign_common.domain.limits.planning import StoredSlot, plan_next, spare_range
from campaign_common.domain.limits.server_clock import ClockReading, ClockState
from campaign_common.domain.limits.slots import LATEST, SlotPlan, quota_of, share_out

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
        pytest.param({"a": 10, "b": 10, "c": 10}, {"a": 4, "b": 3, "c": 3}, id="a remainder"),
        pytest.param({"a": 1000, "b": 1}, {"a": 10}, id="too little for a share"),
        pytest.param({"a": 0}, {}, id="nothing wanted"),
        pytest.param({}, {}, id="no sender"),
    ],
)
def test_a_quota_is_shared_by_largest_remainders(
    wanted: dict[str, int], shares: dict[str, int]
) -> None:
    assert share_out(10, wanted) == shares


@pytest.mark.parametrize("quota", [1, 7, 500, 4_000, 20_000])
def test_each_grant_has_one_instant_of_its_own(quota: int) -> None:
    shares = share_out(quota, {"a": quota, "b": 3 * quota, "c": 1 + quota // 7})
    plan = SlotPlan(SLOT, quota, Decimal(quota), shares)
    instants = [plan.instants(name) for name in shares]
    moments = sorted(one.at(n) for one in instants for n in range(len(one)))
    assert len(moments) + plan.spare == quota
    assert moments[0] > SLOT
    assert moments[-1] < SLOT + 1 - LATEST
    if quota <= 4_000:
        distances = [later - earlier for earlier, later in pairwise(moments)]
        assert max(distances, default=0) == pytest.approx(min(distances, default=0), abs=1e-5)
    for one in instants:
        assert [one.until(one.at(n)) for n in range(len(one))] == pytest.approx(
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
        pytest.param(0.6, "one", [], ClockState.NEW, 0, id="the first"),
        pytest.param(0.6, "two", BEFORE, ClockState.SETTLED, 0, id="another server"),
        pytest.param(0.6, "one", BEFORE, ClockState.NEW, None, id="by one that is new"),
        pytest.param(0.6, "one", BEFORE, ClockState.STEPPED, 0, id="behind a step"),
    ],
)
def test_the_next_slot_is_planned_where_nothing_else_is_valid(
    moment: float, server: str, stored: list[StoredSlot], clock: ClockState, quota: int | None
) -> None:
    planned = plan_next(SLOT + moment, server, stored, RATE, {"a": 99}, clock)
    assert (planned.plan.quota if planned else None) == quota


def test_slots_behind_a_step_are_blank_for_all() -> None:
    marked = plan_next(SLOT + 0.6, "one", BEFORE, RATE, {"a": 9}, ClockState.STEPPED)
    assert marked is not None
    stored = [*BEFORE, marked]
    quotas = []
    for slot in range(SLOT + 1, SLOT + 4):
        planned = plan_next(slot + 0.6, "one", stored, RATE, {"a": 9}, ClockState.SETTLED)
        assert planned is not None
        stored.append(planned)
        quotas.append(planned.plan.quota)
    assert quotas == [0, 0, 10]


@pytest.mark.parametrize(
    ("moment", "wanted", "taken", "expected"),
    [
        pytest.param(0.0, 3, 0, range(3), id="at the beginning"),
        pytest.param(0.0, 99, 0, range(5), id="not the second half"),
        pytest.param(0.55, 99, 0, range(5, 10), id="what has passed is lost"),
        pytest.param(0.0, 99, 4, range(4, 5), id="behind what others took"),
        pytest.param(1.2, 99, 0, range(0), id="another slot"),
    ],
)
def test_spare_grants_keep_the_rate_of_their_slot(
    moment: float, wanted: int, taken: int, expected: range
) -> None:
    stored = _stored(SLOT)._replace(spare_taken=taken)
    taken_now = spare_range(stored, SLOT + moment, wanted)
    assert list(taken_now) == list(expected)


def _grants(quota: int = 10) -> SlotGrants:
    grants = SlotGrants("a")
    grants.take_over(SlotPlan(SLOT, quota, Decimal(quota), {"a": quota}), 0.0)
    return grants


def _at(moment: float, margin: float = 0.002) -> ClockReading:
    return ClockReading(SLOT + moment, margin)


def test_a_grant_that_is_missed_is_lost() -> None:
    grants = _grants()
    assert grants.take(_at(0.09), 1) is None
    first = grants.take(_at(0.115), 1)
    assert first is not None
    assert grants.take(_at(0.115), 1) is None
    assert grants.take(_at(0.25), 1) is None, "that of 0.2 is lost"
    assert grants.lost == 1


def test_a_sender_that_has_slept_has_no_grants() -> None:
    grants = _grants()
    assert grants.take(_at(1.2), 1) is None
    assert grants.upcoming(_at(1.2), 5.0) == 0


def test_a_grant_is_no_longer_valid_than_its_slot() -> None:
    due = _grants(1).take(_at(0.98, margin=0.015), 1)
    assert due is not None
    assert due.until <= SLOT + 0.985


def test_long_messages_gather_the_grants_of_their_segments() -> None:
    grants = _grants()
    moments = [n / 1000 for n in range(1000) if grants.take(_at(n / 1000), 3)]
    assert len(moments) == 3
    assert moments == pytest.approx([0.3, 0.59, 0.87], abs=0.02)


def test_the_shares_of_a_slot_are_taken_over_once() -> None:
    grants = _grants()
    plan = SlotPlan(SLOT, 10, RATE, {"a": 10})
    assert not grants.take_over(plan, 1.0)
    assert grants.upcoming(_at(0.0), 1.0) == 10


def _of_a_rate(*slots: int) -> SlotGrants:
    grants = SlotGrants("a", latest=0.25)
    for slot in slots:
        assert grants.take_over(SlotPlan(slot, 10, RATE, {"a": 10}), 0.0)
    return grants


def test_a_grant_of_a_rate_waits_into_the_next_slot() -> None:
    grants = _of_a_rate(SLOT)
    taken = grants.take_up_to(_at(1.1), 100)
    assert taken is not None
    assert taken.units == 2
    assert taken.until == pytest.approx(SLOT + 0.874 + 0.25, abs=0.01)
    assert grants.take_up_to(_at(1.1), 100) is None
    assert grants.lost == 8


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
