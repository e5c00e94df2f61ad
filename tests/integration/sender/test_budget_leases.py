"""Budgets leased from a real database by several senders, turn by turn."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace
from pymysql.cursors import Cursor

from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId, CampaignState, Transition
from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.campaign_content import CampaignContent, TextContent
from campaign_common.domain.content.price import Price
from campaign_common.domain.limits.money_grants import KEPT_FOR
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import DatabaseUnavailable
from campaign_common.planning.campaign_editor import CampaignEditor
from campaign_common.store.campaigns.transitions import BUDGET_USED_UP, change_state
from campaign_common.store.core.budgets import (
    BUDGET_LOST,
    change_budget,
    delete_budget,
    insert_budget,
    lock_budget,
    read_budget,
)
from campaign_common.store.core.campaigns import CampaignVersion, read_versions
from campaign_common.store.core.contents import stored_content
from campaign_common.store.core.events import read_events
from campaign_sender.limiting import budget_rows
from campaign_sender.limiting.budget_leases import TURN, BudgetLeases
from campaign_sender.limiting.budget_rows import SINGLY
from campaign_sender.limiting.used_up_budgets import PAUSED_AFTER
from campaign_sender.message import Message
from tests.integration.sender.scene import Scene
from tests.unit.sender.messages import CAMPAIGN, message

PRICE = Price("EUR", Decimal("0.07"), {"139": Decimal("0.035")})
COST = Decimal("0.035")
KEPT_TURNS = int(KEPT_FOR / TURN) + 2
HUNDRED = Budget(COST * 100, "EUR")


class Sender:
    """Leases of one sender, and the messages that wait in it for money."""

    def __init__(
        self, scene: Scene, name: str, on_money: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self.short: Sequence[Message] = ()
        self.in_hand: set[CampaignId] = set()
        prices = {"simulated": PRICE}
        self.leases = BudgetLeases(
            scene.database, name, prices, lambda: self.short, on_money, clock, lambda: self.in_hand
        )

    def reserve(self, *messages: Message) -> list[Message]:
        """Return the messages for which there is money; the first other one waits."""
        funded, short = self.leases.reserve(list(messages))
        self.short = short[:1]
        return funded


class Senders:
    """Several senders, with a clock that the test moves."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.now = 100.0
        self.woken = 0
        self.all = [self.one(f"sender-{n}") for n in range(2)]

    def one(self, name: str) -> Sender:
        return Sender(self.scene, name, self._wake, lambda: self.now)

    def _wake(self) -> None:
        self.woken += 1

    def turn(self, *senders: Sender, times: int = 1) -> None:
        for _ in range(times):
            self.now += TURN
            for sender in senders or self.all:
                sender.leases.turn()
                sender.leases.pause_used_up()

    def send_all(self, *senders: Sender, before: int = 0) -> int:
        """Let senders reserve all that a hundred messages cost; return the number of those sent."""
        sent = before
        for _ in range(20):
            if sent >= 100:
                break
            for sender in senders:
                sent += len(sender.reserve(*(budgeted(n) for n in range(40))))
            self.turn(*senders)
        return sent

    def taken(self, campaign_id: int = CAMPAIGN) -> Decimal:
        with self.scene.database.reading() as cursor:
            budget = read_budget(cursor, CampaignId(campaign_id))
        assert budget is not None
        return budget.taken

    @contextmanager
    def locked(self, campaign_id: int) -> Iterator[None]:
        """Lock the budget of a campaign, as another session does that is stopped."""
        with Database.transaction(self.scene.database) as cursor:
            lock_budget(cursor, CampaignId(campaign_id))
            yield

    @contextmanager
    def counted(self) -> Iterator[list[None]]:
        """Count the statements of the leases, each of which has a session of its own."""
        statements: list[None] = []
        reading = self.scene.database.reading

        def count() -> AbstractContextManager[Cursor]:
            statements.append(None)
            return reading()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.scene.database, "reading", count)
            yield statements

    def version(self) -> CampaignVersion:
        with self.scene.database.reading() as cursor:
            return read_versions(cursor, [CAMPAIGN])[CAMPAIGN]

    def state(self) -> str:
        with self.scene.database.reading() as cursor:
            cursor.execute("SELECT state FROM campaigns")
            ((state,),) = cursor.fetchall()
        return str(state)

    def pauses(self) -> list[tuple[str, str | None]]:
        with self.scene.database.reading() as cursor:
            events = read_events(cursor, CAMPAIGN, after_id=0, limit=100)
        return [(e.actor, e.reason) for e in events if e.to_state == CampaignState.PAUSED]


def budgeted(seq: int, *, campaign_id: int = CAMPAIGN, phone: str = "139000001") -> Message:
    one = message(seq, campaign_id=campaign_id)
    one.record = replace(one.record, phone=phone)
    one.budget = "EUR"
    return one


@pytest.fixture
def senders(scene: Scene) -> Senders:
    scene.change(lambda c: insert_budget(c, CAMPAIGN, HUNDRED))
    return Senders(scene)


def test_two_senders_never_exceed_a_budget(senders: Senders) -> None:
    """Both together send what it pays for, to the last message, over a stop and a new start."""
    first, second = senders.all
    assert not first.reserve(budgeted(1)), "nothing is granted yet"
    sent = len(first.reserve(budgeted(1)))
    senders.turn()
    sent += len(first.reserve(budgeted(1)))
    first.leases.turn()
    senders.now += TURN
    first.leases.return_all()
    assert senders.taken() == COST * sent
    another = senders.one("another")
    assert senders.send_all(second, another, before=sent) == 100
    assert not another.reserve(budgeted(1))
    assert senders.taken() == HUNDRED.amount


def test_all_that_could_be_claimed_is_paid_for_at_once(senders: Senders) -> None:
    """Messages that wait behind others already, in no recorder's choice, count for nothing."""
    first, _ = senders.all
    assert not first.reserve(*(budgeted(n) for n in range(30)))
    first.leases.reserve([budgeted(n) for n in range(100)], {CAMPAIGN})
    senders.turn(first)
    assert senders.taken() == COST * 30
    assert len(first.reserve(*(budgeted(n) for n in range(30)))) == 30


def test_what_did_not_start_is_given_back(senders: Senders) -> None:
    first, second = senders.all
    first.reserve(budgeted(1))
    senders.turn()
    (reserved,) = first.reserve(budgeted(1))
    first.leases.give_back([reserved])
    senders.turn(times=KEPT_TURNS)
    assert senders.taken() == 0
    assert senders.send_all(first, second) == 100


def test_a_used_up_budget_pauses_its_campaign_once(senders: Senders) -> None:
    sent = senders.send_all(*senders.all)
    for sender in senders.all:
        sender.reserve(budgeted(200))
    senders.turn(times=int(PAUSED_AFTER / TURN) + 2)
    assert (sent, senders.state()) == (100, "paused")
    assert [reason for _, reason in senders.pauses()] == [BUDGET_USED_UP]


def test_an_old_observation_pauses_nothing(senders: Senders) -> None:
    """A campaign that was resumed with a higher budget goes on; the message is paid for."""
    first, _ = senders.all
    senders.send_all(*senders.all)
    first.reserve(budgeted(200))
    senders.turn(times=int(PAUSED_AFTER / TURN) - 6)
    senders.scene.change(lambda c: change_state(c, CAMPAIGN, Transition.PAUSE, "a person"))
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST * 101)))
    senders.scene.change(lambda c: change_state(c, CAMPAIGN, Transition.RESUME, "a person"))
    woken = senders.woken
    senders.turn(times=3)
    assert (senders.state(), senders.pauses()) == ("running", [("a person", None)])
    assert senders.woken > woken
    assert first.reserve(budgeted(200))


def test_a_campaign_without_a_budget_needs_no_money(senders: Senders) -> None:
    one = message(1)
    assert senders.all[0].reserve(one, budgeted(2)) == [one]


def test_an_outage_loses_no_money(senders: Senders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A return that provably did not happen is made by the next turn."""
    first, _ = senders.all
    first.reserve(budgeted(1))
    senders.turn()
    first.short = ()
    senders.now += KEPT_FOR + TURN
    with monkeypatch.context() as patch:
        patch.setattr(senders.scene.database, "reading", away)
        first.leases.turn()
        first.short = [budgeted(1, phone="44555")]
        with pytest.raises(DatabaseUnavailable):
            senders.turn(first, times=KEPT_TURNS)
    assert senders.taken() == COST
    first.short = ()
    senders.turn(first, times=KEPT_TURNS)
    assert senders.taken() == 0


def away() -> NoReturn:
    raise DatabaseUnavailable("away")


def test_what_is_returned_twice_is_there_once(senders: Senders) -> None:
    """A sender returns money after its campaign was deleted, and in its stop."""
    first, _ = senders.all
    first.reserve(budgeted(1))
    senders.turn()
    first.leases.return_all()
    first.leases.return_all()
    assert senders.taken() == 0


def test_money_of_a_deleted_budget_is_forgotten(senders: Senders) -> None:
    """A row that does not exist is none that others have locked."""
    first, _ = senders.all
    messages = [budgeted(n) for n in range(4)]
    first.reserve(*messages)
    senders.turn(first)
    senders.scene.change(lambda c: delete_budget(c, CAMPAIGN))
    first.short = ()
    senders.turn(first, times=2)
    with senders.counted() as statements:
        first.leases.turn(locked=True)
        senders.turn(first)
    assert not statements
    assert not first.reserve(*messages)


def test_many_campaigns_have_their_money_in_one_turn(senders: Senders) -> None:
    """Those of which too little is left, or nothing, hold up none of the others."""
    first, _ = senders.all
    campaigns = range(100, 130)
    for n in campaigns:
        amount = COST / 2 if n == 110 else COST * n
        if n != 120:
            senders.scene.change(
                partial(insert_budget, campaign_id=n, budget=Budget(amount, "EUR"))
            )
    messages = [budgeted(1, campaign_id=n) for n in campaigns]
    first.reserve(*messages)
    first.short = messages
    senders.turn(first)
    assert [one.key.campaign_id for one in first.reserve(*messages)] == [
        n for n in campaigns if n not in (110, 120)
    ]
    assert senders.taken(100) == COST
    assert senders.taken(110) == 0


def test_a_locked_budget_holds_up_no_other(senders: Senders) -> None:
    """Its campaign has turns of its own until the lock ends, and then its money."""
    first, _ = senders.all
    senders.scene.change(lambda c: insert_budget(c, 8, HUNDRED))
    messages = [budgeted(1), budgeted(1, campaign_id=8)]
    first.reserve(*messages)
    first.short = messages
    with senders.locked(CAMPAIGN):
        senders.turn(first)
        assert [one.key.campaign_id for one in first.reserve(*messages)] == [8]
        first.short = messages[:1]
        began = time.monotonic()
        senders.turn(first)
        assert time.monotonic() - began < 1, "the locked row is not asked for beside others"
        assert not first.reserve(messages[0])
    first.leases.turn(locked=True)
    assert first.reserve(messages[0])


def test_budgets_that_end_together_hold_up_no_other(senders: Senders) -> None:
    """What is left of each is taken at once, in turns of a few statements, to the last message."""
    first, _ = senders.all
    campaigns = range(100, 160)
    for n in campaigns:
        insert = partial(insert_budget, campaign_id=n, budget=Budget(COST * 5, "EUR"))
        senders.scene.change(insert)
    sent = dict.fromkeys((*campaigns, CAMPAIGN), 0)
    for _ in range(6):
        messages = [budgeted(seq, campaign_id=n) for n in sent for seq in range(4)]
        for one in first.reserve(*messages):
            sent[one.key.campaign_id] += 1
        first.short = [budgeted(9, campaign_id=n) for n in sent]
        with senders.counted() as statements:
            senders.turn(first)
        assert len(statements) <= 4
    assert sent.pop(CAMPAIGN) >= 13
    assert set(sent.values()) == {5}


def test_of_scarce_budgets_a_few_are_asked_alone(
    senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others take at the same time, so that no statement fits all: a few of them have their own."""
    first, _ = senders.all
    campaigns = range(100, 110)
    for n in campaigns:
        insert = partial(insert_budget, campaign_id=n, budget=Budget(COST, "EUR"))
        senders.scene.change(insert)
    monkeypatch.setattr(budget_rows, "take_together", lambda *_: False)
    messages = [budgeted(seq, campaign_id=n) for n in campaigns for seq in range(2)]
    first.reserve(*messages)
    first.short = messages
    funded: set[int] = set()
    for turn in range(1, 4):
        senders.turn(first)
        funded |= {one.key.campaign_id for one in first.reserve(*messages)}
        first.short = [one for one in messages if one.key.campaign_id not in funded]
        assert len(funded) == min(SINGLY * turn, len(campaigns))


def test_a_pause_holds_up_no_money(senders: Senders) -> None:
    """Campaigns are paused by a thread of its own: one of them may be locked."""
    first, _ = senders.all
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST / 2)))
    first.reserve(budgeted(1))
    for _ in range(int(PAUSED_AFTER / TURN) + 2):
        senders.now += TURN
        first.leases.turn()
    assert senders.state() == "running"
    first.leases.pause_used_up()
    assert senders.state() == "paused"


def test_a_slow_recorder_waits_longer_for_the_money_of_others(senders: Senders) -> None:
    """They are as slow, and keep their money for twice the time between two reservations."""
    first, _ = senders.all
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST / 2)))
    first.reserve(budgeted(1))
    paused_after = 0.0
    while senders.state() == "running":
        first.leases.note_transaction(3.0)
        senders.turn(first)
        paused_after += TURN
    assert 12.0 <= paused_after <= 13.0


def test_the_next_message_of_a_slow_rate_is_paid_for(senders: Senders) -> None:
    """It is tried when its grant is near, which may be long after the one before."""
    first, _ = senders.all
    first.in_hand = {CAMPAIGN}
    assert not first.reserve(budgeted(1))
    senders.turn(first)
    first.short = ()
    senders.turn(first, times=2 * KEPT_TURNS)
    assert first.reserve(budgeted(1))
    first.in_hand = set()
    senders.turn(first, times=4 * KEPT_TURNS)
    assert senders.taken() == COST


def test_many_budgets_wait_once_for_a_locked_one(senders: Senders) -> None:
    """Money of all others is taken in the same turn, and returned without a wait."""
    first, _ = senders.all
    campaigns = (*range(100, 130), CAMPAIGN)
    for n in campaigns[:-1]:
        senders.scene.change(partial(insert_budget, campaign_id=n, budget=HUNDRED))
    messages = [budgeted(1, campaign_id=n) for n in campaigns]
    first.reserve(*messages)
    first.short = messages
    with senders.locked(CAMPAIGN), senders.counted() as statements:
        senders.turn(first)
        assert len(statements) <= 6
        assert len(first.reserve(*messages)) == 30
    first.leases.turn(locked=True)
    (one,) = first.reserve(messages[-1])
    first.leases.give_back([*messages[:-1], one])
    first.short = ()
    senders.turn(first)
    senders.now += 8 * KEPT_FOR
    with senders.locked(CAMPAIGN):
        began = time.monotonic()
        senders.turn(first)
        first.leases.turn(locked=True)
        assert time.monotonic() - began < 1
    assert [senders.taken(n) for n in campaigns] == [Decimal()] * 30 + [COST]
    senders.now += 8 * KEPT_FOR
    first.leases.turn(locked=True)
    assert senders.taken() == 0


def test_a_stop_returns_what_it_can(senders: Senders) -> None:
    """The budget of one campaign is locked; the money of the others is returned."""
    first, _ = senders.all
    senders.scene.change(lambda c: insert_budget(c, 8, HUNDRED))
    messages = [budgeted(1), budgeted(1, campaign_id=8)]
    first.reserve(*messages)
    first.short = messages
    senders.turn(first)
    with senders.locked(CAMPAIGN):
        first.leases.return_all()
    assert (senders.taken(), senders.taken(8)) == (COST, 0)


def test_a_lowered_budget_is_obeyed_by_the_next_turn(senders: Senders) -> None:
    """What is held beyond it is returned, and nothing more is sent."""
    first, _ = senders.all
    sent = 0
    for _ in range(4):
        sent += len(first.reserve(*(budgeted(n) for n in range(4))))
        senders.turn(first)
    lowered = HUNDRED._replace(amount=COST * sent)
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, lowered))
    first.short = ()
    senders.turn(first)
    assert not first.reserve(budgeted(1))
    assert senders.taken() == lowered.amount


def test_cheap_messages_go_on_after_an_expensive_one(senders: Senders) -> None:
    """One that the budget does not cover is dropped; the others are sent, and nothing is paused."""
    first, _ = senders.all
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST * 20)))
    first.reserve(budgeted(1, phone="44555"))
    senders.turn(first, times=4)
    sent = 0
    while sent < 20:
        sent += len(first.reserve(budgeted(2)))
        senders.turn(first)
    assert (senders.state(), senders.taken()) == ("running", COST * 20)


def test_money_of_a_slow_sender_pauses_nothing(senders: Senders) -> None:
    """It is there for others once the slow one has had its next turns."""
    slow, fast = senders.all
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST * 52)))
    sent = 0
    for _ in range(6):
        sent += len(slow.reserve(*(budgeted(n) for n in range(12))))
        senders.turn(slow)
    assert senders.taken() > COST * 45
    slow.short = ()
    for n in range(32):
        sent += len(fast.reserve(*(budgeted(n) for n in range(12))))
        senders.turn(fast)
        if n % 16 == 15:
            slow.leases.turn()
    assert (senders.state(), sent) == ("running", 52)


@pytest.fixture
def lost(senders: Senders) -> Message:
    """A message that was admitted after its campaign lost the row of its budget."""
    senders.scene.change(lambda c: delete_budget(c, CAMPAIGN))
    columns = stored_content(CampaignContent(TextContent("hi"), has_budget=True))
    senders.scene.change(
        lambda c: c.execute(
            "UPDATE campaigns SET template = %s, content = %s, provider = 'simulated'", columns
        )
    )
    lost = budgeted(3)
    lost.budget = senders.version().budget
    assert lost.budget == BUDGET_LOST
    return lost


def test_a_budget_without_a_row_is_used_up(senders: Senders, lost: Message) -> None:
    """As after a roll-back and another upgrade: its campaign is paused, and nothing is sent."""
    first, _ = senders.all
    for _ in range(int(PAUSED_AFTER / TURN) + 2):
        assert not first.reserve(lost)
        senders.turn(first)
    assert senders.state() == "paused"


def test_a_budget_given_again_has_messages_admitted_again(senders: Senders, lost: Message) -> None:
    """Those that were admitted while it was lost are void: they know no currency."""
    scene, (first, _) = senders.scene, senders.all
    assert not first.reserve(lost)
    assert senders.version().sends(lost.record.campaign_epoch)
    configured = {"simulated": SimpleNamespace(price=PRICE)}
    settings: Any = SimpleNamespace(routes=Routes(), configured_providers=configured)
    editor = CampaignEditor(Databases((scene.database,)), settings)
    scene.change(
        lambda c: editor.change(c, CAMPAIGN, {"budget": Decimal(1)}, "me", "", lambda _: None)
    )
    assert not senders.version().sends(lost.record.campaign_epoch)
    first.short = ()
    assert senders.version().budget == "EUR"
    assert senders.send_all(first) == Decimal(1) // COST
