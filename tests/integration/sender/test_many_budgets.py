"""Budgets of many campaigns, leased in few statements, some of them locked by others."""

import time
from decimal import Decimal
from functools import partial

import pytest

from campaign_common.domain.content.budget import Budget
from campaign_common.domain.limits.money_grants import KEPT_FOR
from campaign_common.store.core.budgets import (
    insert_budget,
)
from campaign_sender.limiting import budget_rows
from campaign_sender.limiting.budget_rows import SINGLY
from tests.integration.sender.budget_senders import (
    COST,
    HUNDRED,
    Senders,
    budgeted,
)
from tests.unit.sender.messages import CAMPAIGN

LOCK_WAIT = 1.9
"""Seconds, hardly less than a statement waits for a lock: who waits for none is far below."""


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
    first.unfunded = messages
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
    first.unfunded = messages
    with senders.locked(CAMPAIGN):
        senders.turn(first)
        assert [one.key.campaign_id for one in first.reserve(*messages)] == [8]
        first.unfunded = messages[:1]
        began = time.monotonic()
        senders.turn(first)
        assert time.monotonic() - began < LOCK_WAIT, "the locked row is asked for alone"
        assert not first.reserve(messages[0])
    first.leases.turn(locked=True)
    assert first.reserve(messages[0])


def test_budgets_that_end_together_hold_up_no_other(senders: Senders) -> None:
    """The rest of each is taken at once, in turns of a few statements, to the last message."""
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
        first.unfunded = [budgeted(9, campaign_id=n) for n in sent]
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
    first.unfunded = messages
    funded: set[int] = set()
    for turn in range(1, 4):
        senders.turn(first)
        funded |= {one.key.campaign_id for one in first.reserve(*messages)}
        first.unfunded = [one for one in messages if one.key.campaign_id not in funded]
        assert len(funded) == min(SINGLY * turn, len(campaigns))


def test_many_budgets_wait_once_for_a_locked_one(senders: Senders) -> None:
    """Money of all others is taken in the same turn, and returned without a wait."""
    first, _ = senders.all
    campaigns = (*range(100, 130), CAMPAIGN)
    for n in campaigns[:-1]:
        senders.scene.change(partial(insert_budget, campaign_id=n, budget=HUNDRED))
    messages = [budgeted(1, campaign_id=n) for n in campaigns]
    first.reserve(*messages)
    first.unfunded = messages
    with senders.locked(CAMPAIGN), senders.counted() as statements:
        senders.turn(first)
        assert len(statements) <= 6
        assert len(first.reserve(*messages)) == 30
    first.leases.turn(locked=True)
    (one,) = first.reserve(messages[-1])
    first.leases.give_back([*messages[:-1], one])
    first.unfunded = ()
    senders.turn(first)
    senders.now += 8 * KEPT_FOR
    with senders.locked(CAMPAIGN):
        began = time.monotonic()
        senders.turn(first)
        first.leases.turn(locked=True)
        assert time.monotonic() - began < LOCK_WAIT
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
    first.unfunded = messages
    senders.turn(first)
    with senders.locked(CAMPAIGN):
        first.leases.return_all()
    assert (senders.taken(), senders.taken(8)) == (COST, 0)
