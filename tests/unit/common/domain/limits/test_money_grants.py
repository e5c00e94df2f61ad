"""Grants of money: senders that take from one budget, return, and die."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.limits.money_grants import (
    HELD_FOR,
    HELD_TURNS,
    KEPT_FOR,
    LONGEST_KEPT,
    MoneyGrants,
    WantedChange,
)

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
        self.now = 0.0
        self.taken = self.sent = self.lost = Decimal()
        self.senders = [MoneyGrants(self.now) for _ in range(4)]
        self.lacking = [Decimal()] * 4
        """Cost of the message that waits, by sender."""

    def reserve(self, number: int, cost: Decimal) -> bool:
        if self.senders[number].reserve(cost):
            return True
        self.lacking[number] = cost
        return False

    def turn(
        self, number: int, seconds: float = TURN, *, cycle: float = 0.0, in_hand: bool = False
    ) -> None:
        self.now += seconds
        grants = self.senders[number]
        wanted = grants.begin_turn(self.now, self.lacking[number], cycle=cycle, in_hand=in_hand)
        change = wanted.granted(self.budget - self.taken)
        self.taken += change
        grants.add(change)
        self.lacking[number] = Decimal()

    def stop(self, number: int) -> None:
        self.taken -= self.senders[number].surrender()
        self.senders[number] = MoneyGrants(self.now)

    def step(self, what: str, number: int, cost: Decimal) -> None:
        grants = self.senders[number]
        match what:
            case "send" | "unsent" if self.reserve(number, cost):
                if what == "unsent":
                    grants.give_back(cost)
                else:
                    self.sent += cost
            case "turn":
                self.turn(number)
            case "kill":
                self.lost += grants.held
                self.senders[number] = MoneyGrants(self.now)
            case "stop":
                self.stop(number)
                assert not grants.held


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
        cluster.stop(number)
    assert cluster.taken == cluster.sent + cluster.lost


@pytest.mark.parametrize("rate", [1, 40, 1_000], ids="{}/s".format)
def test_what_is_held_lasts_a_quarter_of_a_second(rate: int) -> None:
    """After a start that doubles with each turn, a pace is kept with so much money."""
    cluster = Cluster(Decimal(100_000))
    cost, sent, held = Decimal("0.07"), 0, []
    for turn in range(1, 81):
        due = int(rate * turn * TURN)
        while sent < due and cluster.reserve(0, cost):
            sent += 1
        cluster.turn(0)
        held.append(cluster.senders[0].held)
    assert rate * 9 <= sent <= rate * 10
    assert max(held[40:]) <= max(2 * cost, cost * Decimal(rate * HELD_FOR))
    assert cluster.taken == held[-1] + sent * cost


@pytest.mark.parametrize(
    ("left", "granted"),
    [("0.01", "0"), ("0.02", "0.02"), ("0.05", "0.05"), ("1", "0.09")],
)
def test_too_little_for_what_waits_is_left_to_others(left: str, granted: str) -> None:
    """Of a budget that does not pay for the message that waits, nothing is taken."""
    grants = MoneyGrants(0.0)
    grants.add(Decimal("0.05"))
    assert not grants.reserve(Decimal("0.07"))
    assert grants.reserve(Decimal("0.01"))
    grants.give_back(Decimal("0.01"))
    wanted = grants.begin_turn(TURN, Decimal("0.07"))
    assert wanted == WantedChange(Decimal("0.02"), Decimal("0.02"))
    assert wanted._replace(amount=Decimal("0.09")).granted(Decimal(left)) == Decimal(granted)


def test_nothing_is_held_for_a_campaign_that_is_done() -> None:
    """It is kept for a second, as the next burst of sends may need it, and then returned."""
    grants = MoneyGrants(0.0)
    grants.add(Decimal(3))
    assert grants.reserve(Decimal(1))
    changes = []
    for turn in range(1, 11):
        changes.append(grants.begin_turn(turn * TURN, Decimal()).granted(Decimal(100)))
        grants.add(changes[-1])
    assert [change for change in changes if change] == [Decimal(-2)]
    assert changes.index(Decimal(-2)) == KEPT_FOR / TURN
    assert grants.is_idle


@pytest.mark.parametrize("cycle", [0.05, 0.2, 0.3, 0.6, 1.2, 5.0], ids="{}s".format)
def test_a_rate_is_kept_however_long_a_turn_is(cycle: float) -> None:
    """Money that is held lasts for two turns, so that the next is there before it is used up."""
    cluster = Cluster(Decimal(100_000_000))
    cost, turns, sent, held = Decimal("0.07"), 40, [], []
    for _ in range(turns):
        used = 0
        while used < 1_000 * cycle and cluster.reserve(0, cost):
            used += 1
        sent.append(used)
        cluster.turn(0, cycle)
        held.append(cluster.senders[0].held)
    assert min(sent[-10:]) >= 1_000 * cycle
    longest = max(HELD_FOR, HELD_TURNS * cycle)
    assert max(held) <= cost * Decimal(1_000 * longest) * Decimal("1.02")


@pytest.mark.parametrize(
    ("every", "turn"),
    [(0.5, 0.125), (1.1, 0.125), (2.4, 0.125), (2.4, 0.4), (3.6, 0.4), (12.0, 0.75), (30.0, 1.2)],
)
def test_bursts_are_paid_for_however_far_apart(every: float, turn: float) -> None:
    """Held money grows to two of the bursts of a recorder, and is not returned between two."""
    cluster = Cluster(Decimal(100_000))
    cost, bursts, held = Decimal("0.07"), 40, []
    sent = [0] * bursts
    for burst in range(bursts):
        while sent[burst] < 400 - burst % 7 and cluster.reserve(0, cost):
            sent[burst] += 1
        while cluster.now < every * (burst + 1):
            cluster.turn(0, turn)
            held.append(cluster.senders[0].held)
    assert sent[-20:] == [400 - burst % 7 for burst in range(20, bursts)]
    assert max(held) <= 2 * 400 * cost


def test_a_burst_among_small_ones_is_paid_for() -> None:
    """One recorder reserves often, another one seldom and much, as their databases are apart."""
    cluster = Cluster(Decimal(100_000))
    cost, seldom = Decimal("0.07"), []
    for turn in range(600):
        wanted = 405 if turn % 20 == 0 else 5
        sent = 0
        while sent < wanted and cluster.reserve(0, cost):
            sent += 1
        if wanted > 5:
            seldom.append(sent)
        cluster.turn(0, cycle=2.5)
    assert seldom[-10:] == [405] * 10


def test_a_single_long_gap_fades() -> None:
    """Money is kept for the time to the next reservation, within bounds, and not much longer."""
    grants, now = MoneyGrants(0.0), 0.0
    kept = []
    for pause in (0.125, 0.125, 6.0, *[0.125] * 300):
        now += pause
        grants.add(Decimal(1))
        assert grants.reserve(Decimal(1))
        grants.begin_turn(now, Decimal())
        kept.append(grants.kept_for)
    assert (kept[1], kept[2], kept[-1]) == (KEPT_FOR, 12, KEPT_FOR)
    grants.begin_turn(now, Decimal(), cycle=1_000)
    assert grants.kept_for == LONGEST_KEPT


@pytest.mark.parametrize(
    ("in_hand", "left", "held"), [(True, "5", "0.07"), (False, "5", "0"), (True, "0.05", "0")]
)
def test_the_next_message_is_paid_for_ahead(in_hand: bool, left: str, held: str) -> None:
    """While there are any, and the budget does not end: its turn may come seldom."""
    cluster = Cluster(Decimal(5))
    grants, cost = cluster.senders[0], Decimal("0.07")
    assert not cluster.reserve(0, cost)
    cluster.turn(0)
    grants.note_left(Decimal(left))
    for _ in range(80):
        cluster.turn(0, in_hand=in_hand)
    assert grants.held == Decimal(held)
    assert cluster.reserve(0, cost) == (Decimal(held) > 0)


@pytest.mark.parametrize(("left", "sent"), [("1000", 400), ("14", 200)])
def test_a_burst_that_lacks_money_has_it_the_next_time(left: str, sent: int) -> None:
    """It says how many messages could have started, so that nothing has to grow."""
    cluster = Cluster(Decimal(left))
    cost = Decimal("0.07")
    assert not cluster.reserve(0, cost)
    cluster.senders[0].note_lacking(400)
    cluster.turn(0)
    assert cluster.taken == cluster.senders[0].held == sent * cost
    while cluster.reserve(0, cost):
        sent -= 1
    assert sent == 0
