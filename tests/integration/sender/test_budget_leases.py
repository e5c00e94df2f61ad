"""Budgets leased from a real database by several senders, turn by turn."""

from typing import NoReturn

import pytest

from campaign_common.domain.limits.money_grants import KEPT_FOR
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.core.budgets import (
    change_budget,
    delete_budget,
)
from campaign_sender.limiting.budget_leases import BUDGET_TURN
from tests.integration.sender.budget_senders import COST, HUNDRED, KEPT_TURNS, Senders, budgeted
from tests.unit.sender.messages import CAMPAIGN, message


def test_two_senders_never_exceed_a_budget(senders: Senders) -> None:
    """Both together send what it pays for, to the last message, over a stop and a new start."""
    first, second = senders.all
    assert not first.reserve(budgeted(1)), "nothing is granted yet"
    sent = len(first.reserve(budgeted(1)))
    senders.turn()
    sent += len(first.reserve(budgeted(1)))
    first.leases.turn()
    senders.now += BUDGET_TURN
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


def test_a_campaign_without_a_budget_needs_no_money(senders: Senders) -> None:
    one = message(1)
    assert senders.all[0].reserve(one, budgeted(2)) == [one]


def test_an_outage_loses_no_money(senders: Senders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A return that provably did not happen is made by the next turn."""
    first, _ = senders.all
    first.reserve(budgeted(1))
    senders.turn()
    first.unfunded = ()
    senders.now += KEPT_FOR + BUDGET_TURN
    with monkeypatch.context() as patch:
        patch.setattr(senders.scene.database, "reading", away)
        first.leases.turn()
        first.unfunded = [budgeted(1, phone="44555")]
        with pytest.raises(DatabaseUnavailable):
            senders.turn(first, times=KEPT_TURNS)
    assert senders.taken() == COST
    first.unfunded = ()
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
    first.unfunded = ()
    senders.turn(first, times=2)
    with senders.counted() as statements:
        first.leases.turn(locked=True)
        senders.turn(first)
    assert not statements
    assert not first.reserve(*messages)


def test_the_next_message_of_a_slow_rate_is_paid_for(senders: Senders) -> None:
    """It is tried when its grant is near, which may be long after the one before."""
    first, _ = senders.all
    first.in_hand = {CAMPAIGN}
    assert not first.reserve(budgeted(1))
    senders.turn(first)
    first.unfunded = ()
    senders.turn(first, times=2 * KEPT_TURNS)
    assert first.reserve(budgeted(1))
    first.in_hand = set()
    senders.turn(first, times=4 * KEPT_TURNS)
    assert senders.taken() == COST


def test_a_lowered_budget_is_obeyed_by_the_next_turn(senders: Senders) -> None:
    """Money that is held beyond it is returned, and nothing more is sent."""
    first, _ = senders.all
    sent = 0
    for _ in range(4):
        sent += len(first.reserve(*(budgeted(n) for n in range(4))))
        senders.turn(first)
    lowered = HUNDRED._replace(amount=COST * sent)
    senders.scene.change(lambda c: change_budget(c, CAMPAIGN, lowered))
    first.unfunded = ()
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
