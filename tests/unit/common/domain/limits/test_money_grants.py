"""Grants of money: senders that take from one budget, return, and die."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.limits.money_grants import HELD_FOR, KEPT_FOR, MoneyGrants

TURN = 0.125
COSTS = st.sampled_from([Decimal("0.005"), Decimal("0.07"), Decimal("0.14"), Decimal("1.000001")])
STEP = st.tuples(
    st.sampled_from(["send", "unsent", "turn", "kill", "stop"]), st.integers(0, 3), COSTS
)
STEPS = st.lists(STEP, max_size=40)


class Cluster:
    """Senders that share a budget, and what they have sent."""

    def __init__(self, budget: Decimal) -> None:
        self.budget = budget
        self.taken = self.sent = self.lost = Decimal()
        self.senders = [MoneyGrants() for _ in range(4)]

    def turn(self, number: int, *, is_last: bool = False) -> None:
        grants = self.senders[number]
        wanted = grants.begin_turn(TURN)
        if is_last:
            wanted = wanted._replace(amount=Decimal(), least=Decimal())
        change = grants.change(wanted, max(Decimal(), self.budget - self.taken)).amount
        grants.add(change)
        self.taken += change

    def step(self, what: str, number: int, cost: Decimal) -> None:
        grants = self.senders[number]
        match what:
            case "send" | "unsent" if grants.reserve(cost):
                if what == "unsent":
                    grants.give_back(cost)
                else:
                    self.sent += cost
            case "turn":
                self.turn(number)
            case "kill":
                self.lost += grants.held
                self.senders[number] = MoneyGrants()
            case "stop":
                self.turn(number, is_last=True)
                assert not grants.held
                self.senders[number] = MoneyGrants()


@given(st.decimals("0.1", "20", places=6), STEPS)
def test_a_budget_is_kept_and_accounted_for(
    budget: Decimal, steps: list[tuple[str, int, Decimal]]
) -> None:
    """Sends never cost more; what is taken was sent, is held, or was lost with a sender."""
    cluster = Cluster(budget)
    for step in steps:
        cluster.step(*step)
        held = sum((one.held for one in cluster.senders), Decimal())
        assert cluster.taken == cluster.sent + held + cluster.lost <= budget
    for number in range(len(cluster.senders)):
        cluster.turn(number, is_last=True)
    assert cluster.taken == cluster.sent + cluster.lost


@pytest.mark.parametrize("rate", [1, 40, 1_000], ids="{}/s".format)
def test_what_is_held_lasts_a_quarter_of_a_second(rate: int) -> None:
    """After a start that doubles with each turn, a pace is kept with so much money."""
    cluster = Cluster(Decimal(100_000))
    cost, sent, held = Decimal("0.07"), 0, []
    for turn in range(1, 81):
        due = int(rate * turn * TURN)
        while sent < due and cluster.senders[0].reserve(cost):
            sent += 1
        cluster.turn(0)
        held.append(cluster.senders[0].held)
    assert rate * 9 <= sent <= rate * 10
    assert max(held[40:]) <= max(2 * cost, cost * Decimal(rate * HELD_FOR))
    assert cluster.taken == held[-1] + sent * cost


def test_a_rest_that_pays_for_nothing_is_left_to_others() -> None:
    """What is too little for the message that waits is returned, and the budget is used up."""
    grants = MoneyGrants()
    grants.add(Decimal("0.05"))
    assert not grants.reserve(Decimal("0.07"))
    change = grants.change(grants.begin_turn(TURN), Decimal("0.01"))
    assert (change.amount, change.is_used_up) == (Decimal("-0.05"), True)
    grants.add(change.amount)
    change = grants.change(grants.begin_turn(TURN), Decimal("0.07"))
    assert (change.amount, change.is_used_up) == (Decimal("0.07"), False)


def test_nothing_is_held_for_a_campaign_that_is_done() -> None:
    """It is kept for a second, as the next burst of sends may need it, and then returned."""
    grants = MoneyGrants()
    grants.add(Decimal(3))
    assert grants.reserve(Decimal(1))
    changes = []
    for _ in range(10):
        changes.append(grants.change(grants.begin_turn(TURN), Decimal(100)).amount)
        grants.add(changes[-1])
    assert [change for change in changes if change] == [Decimal(-2)]
    assert changes.index(Decimal(-2)) == KEPT_FOR / TURN
    assert grants.is_idle


def test_bursts_of_a_slow_recorder_are_paid_for() -> None:
    """What is held grows to what one burst takes, though turns without any lie between two."""
    cluster = Cluster(Decimal(100_000))
    sent = [0] * 12
    for burst in range(len(sent)):
        while sent[burst] < 400 and cluster.senders[0].reserve(Decimal("0.07")):
            sent[burst] += 1
        for _ in range(4):
            cluster.turn(0)
    assert sent[-1] == 400
