"""Budgets leased from a real database by several senders, turn by turn."""

from decimal import Decimal

import pytest

from campaign_common.domain.campaign import CampaignState, Transition
from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.price import Price
from campaign_common.domain.limits.money_grants import KEPT_FOR
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.campaigns.transitions import BUDGET_USED_UP, change_state
from campaign_common.store.core.budgets import change_budget, insert_budget, read_budget
from campaign_common.store.core.events import read_events
from campaign_sender.limiting.budget_leases import PAUSED_AFTER, TURN, BudgetLeases
from campaign_sender.message import Message
from tests.integration.sender.scene import Scene
from tests.unit.sender.messages import CAMPAIGN, message

PRICE = Price("EUR", Decimal("0.07"), {"139": Decimal("0.035")})
COST = Decimal("0.035")
KEPT_TURNS = int(KEPT_FOR / TURN) + 2
HUNDRED = Budget(COST * 100, "EUR")


class Senders:
    """Leases of several senders, each with a clock that the test moves."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.now = 100.0
        self.woken = 0
        self.all = [self.one(f"sender-{n}") for n in range(2)]

    def one(self, name: str) -> BudgetLeases:
        prices = {"simulated": PRICE}
        return BudgetLeases(self.scene.database, name, prices, self._wake, lambda: self.now)

    def _wake(self) -> None:
        self.woken += 1

    def turn(self, *senders: BudgetLeases, times: int = 1) -> None:
        for _ in range(times):
            self.now += TURN
            for sender in senders or self.all:
                sender.turn()

    def send_all(self, *senders: BudgetLeases, before: int = 0) -> int:
        """Let senders reserve all that a hundred messages cost; return the number of those sent."""
        sent = before
        for _ in range(20):
            if sent >= 100:
                break
            for sender in senders:
                sent += len(sender.reserve([budgeted(n) for n in range(40)]).funded)
            self.turn(*senders)
        return sent

    def taken(self) -> Decimal:
        with self.scene.database.reading() as cursor:
            budget = read_budget(cursor, CAMPAIGN)
        assert budget is not None
        return budget.taken

    def state(self) -> str:
        with self.scene.database.reading() as cursor:
            cursor.execute("SELECT state FROM campaigns")
            ((state,),) = cursor.fetchall()
        return str(state)

    def pauses(self) -> list[tuple[str, str | None]]:
        with self.scene.database.reading() as cursor:
            events = read_events(cursor, CAMPAIGN, after_id=0, limit=100)
        return [(e.actor, e.reason) for e in events if e.to_state == CampaignState.PAUSED]


def budgeted(seq: int) -> Message:
    one = message(seq)
    one.budget = "EUR"
    return one


@pytest.fixture
def senders(scene: Scene) -> Senders:
    scene.change(lambda c: insert_budget(c, CAMPAIGN, HUNDRED))
    return Senders(scene)


def test_two_senders_never_exceed_a_budget(senders: Senders) -> None:
    """Both together send what it pays for, to the last message, over a stop and a new start."""
    first, second = senders.all
    assert not first.reserve([budgeted(1)]).funded, "nothing is granted yet"
    sent = len(first.reserve([budgeted(1)]).funded)
    senders.turn()
    sent += len(first.reserve([budgeted(1)]).funded)
    first.turn()
    senders.now += TURN
    first.return_all()
    assert senders.taken() == COST * sent
    another = senders.one("another")
    assert senders.send_all(second, another, before=sent) == 100
    assert not another.reserve([budgeted(1)]).funded
    assert senders.taken() == HUNDRED.amount


def test_what_did_not_start_is_given_back(senders: Senders) -> None:
    first, second = senders.all
    first.reserve([budgeted(1)])
    senders.turn()
    (reserved,) = first.reserve([budgeted(1)]).funded
    first.give_back([reserved])
    senders.turn(times=KEPT_TURNS)
    assert senders.taken() == 0
    assert senders.send_all(first, second) == 100


def test_a_used_up_budget_pauses_its_campaign_once(senders: Senders) -> None:
    sent = senders.send_all(*senders.all)
    for sender in senders.all:
        sender.reserve([budgeted(200)])
    senders.turn(times=int(PAUSED_AFTER / TURN) + 2)
    assert (sent, senders.state()) == (100, "paused")
    assert [reason for _, reason in senders.pauses()] == [BUDGET_USED_UP]


def test_an_old_observation_pauses_nothing(senders: Senders) -> None:
    """A campaign that was resumed with a higher budget goes on; the message is paid for."""
    first, _ = senders.all
    senders.send_all(*senders.all)
    first.reserve([budgeted(200)])
    senders.turn(times=int(PAUSED_AFTER / TURN) - 1)
    senders.scene.change(lambda c: change_state(c, CAMPAIGN, Transition.PAUSE, "a person"))
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST * 101)))
    senders.scene.change(lambda c: change_state(c, CAMPAIGN, Transition.RESUME, "a person"))
    woken = senders.woken
    senders.turn(times=3)
    assert (senders.state(), senders.pauses()) == ("running", [("a person", None)])
    assert senders.woken > woken
    assert first.reserve([budgeted(200)]).funded


def test_a_campaign_without_a_budget_needs_no_money(senders: Senders) -> None:
    one = message(1)
    assert senders.all[0].reserve([one, budgeted(2)]).funded == [one]


def test_an_outage_loses_no_money(senders: Senders) -> None:
    """A return that provably did not happen is made by the next turn."""
    first, _ = senders.all
    first.reserve([budgeted(1)])
    senders.turn()
    faulty = senders.scene.database
    faulty.faults.append("away")
    senders.now += KEPT_FOR
    with pytest.raises(DatabaseUnavailable):
        first.turn()
    senders.turn(first, times=KEPT_TURNS)
    assert senders.taken() == 0
