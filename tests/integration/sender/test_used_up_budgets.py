"""Pauses of campaigns whose budget is used up or lost."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from campaign_common.database import Databases
from campaign_common.domain.campaign import Transition
from campaign_common.domain.content.campaign_content import CampaignContent, TextContent
from campaign_common.domain.routing.routes import Routes
from campaign_common.planning.campaign_editor import CampaignEditor
from campaign_common.store.campaigns.transitions import BUDGET_USED_UP, change_state
from campaign_common.store.core.budgets import (
    BUDGET_LOST,
    change_budget,
    delete_budget,
)
from campaign_common.store.core.contents import stored_content
from campaign_sender.limiting.budget_leases import BUDGET_TURN
from campaign_sender.limiting.used_up_budgets import PAUSED_AFTER
from campaign_sender.message import Message
from tests.integration.sender.budget_senders import COST, HUNDRED, PRICE, Senders, budgeted
from tests.unit.sender.messages import CAMPAIGN


def test_a_used_up_budget_pauses_its_campaign_once(senders: Senders) -> None:
    sent = senders.send_all(*senders.all)
    for sender in senders.all:
        sender.reserve(budgeted(200))
    senders.turn(times=int(PAUSED_AFTER / BUDGET_TURN) + 2)
    assert (sent, senders.state()) == (100, "paused")
    assert [reason for _, reason in senders.pauses()] == [BUDGET_USED_UP]


def test_an_old_observation_pauses_nothing(senders: Senders) -> None:
    """A campaign that was resumed with a higher budget goes on; the message is paid for."""
    first, _ = senders.all
    senders.send_all(*senders.all)
    first.reserve(budgeted(200))
    senders.turn(times=int(PAUSED_AFTER / BUDGET_TURN) - 6)
    senders.scene.change(lambda c: change_state(c, CAMPAIGN, Transition.PAUSE, "a person"))
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST * 101)))
    senders.scene.change(lambda c: change_state(c, CAMPAIGN, Transition.RESUME, "a person"))
    woken = senders.woken
    senders.turn(times=3)
    assert (senders.state(), senders.pauses()) == ("running", [("a person", None)])
    assert senders.woken > woken
    assert first.reserve(budgeted(200))


def test_a_pause_holds_up_no_money(senders: Senders) -> None:
    """Campaigns are paused by a thread of its own: one of them may be locked."""
    first, _ = senders.all
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST / 2)))
    first.reserve(budgeted(1))
    for _ in range(int(PAUSED_AFTER / BUDGET_TURN) + 2):
        senders.now += BUDGET_TURN
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
        paused_after += BUDGET_TURN
    assert 12.0 <= paused_after <= 13.0


def test_money_of_a_slow_sender_pauses_nothing(senders: Senders) -> None:
    """It is there for others once the slow one has had its next turns."""
    slow, fast = senders.all
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, HUNDRED._replace(amount=COST * 52)))
    sent = 0
    for _ in range(6):
        sent += len(slow.reserve(*(budgeted(n) for n in range(12))))
        senders.turn(slow)
    assert senders.taken() > COST * 45
    slow.unfunded = ()
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
    for _ in range(int(PAUSED_AFTER / BUDGET_TURN) + 2):
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
    first.unfunded = ()
    assert senders.version().budget == "EUR"
    assert senders.send_all(first) == Decimal(1) // COST
