"""Messages of campaigns with a budget, between the queue and the claim."""

import time
from collections.abc import Collection, Container, Sequence

from campaign_common.domain.campaign import CampaignId
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.in_flight.admitted_messages import MOST_WAITING
from campaign_sender.in_flight.backlog import Backlogs
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.claim_window import Unbounded
from campaign_sender.in_flight.funds import Reserved
from campaign_sender.message import Message
from tests.unit.sender.messages import CAMPAIGN, message, owned_shard

BATCH = 10


class Money:
    """Pays for so many messages with a budget."""

    def __init__(self) -> None:
        self.left = 0
        self.given_back: list[Message] = []
        self.transactions: list[float] = []

    def reserve(self, messages: list[Message], waiting: Container[CampaignId] = ()) -> Reserved:
        funded: list[Message] = []
        short: list[Message] = []
        for one in messages:
            waits = one.key.campaign_id in waiting
            can_pay = one.budget is None or (self.left > 0 and not waits)
            self.left -= can_pay and one.budget is not None
            (funded if can_pay else short).append(one)
        return Reserved(funded, short)

    def give_back(self, messages: Sequence[Message]) -> None:
        self.given_back += messages

    def note_transaction(self, seconds: float) -> None:
        self.transactions.append(seconds)


class Rate(Unbounded):
    """Lets so many messages of the campaign be claimed; None: all."""

    def __init__(self, messages: int | None) -> None:
        self.messages = messages

    def campaigns_with_rate(self) -> Collection[CampaignId]:
        return () if self.messages is None else (CAMPAIGN,)

    def claimable_of(self, _: CampaignId) -> int | None:
        return self.messages


class Scene:
    """Some messages with a budget before two without one, of one provider."""

    def __init__(self, in_flight: int = 100, rate: int | None = None, short: int = 3) -> None:
        self.money = Money()
        self.buffer = InFlightBuffer(
            in_flight=in_flight,
            batch_size=BATCH,
            bounds=Rate(rate),
            funds=self.money,
            backlogs=Backlogs(
                lambda _: None, lambda _: None, lambda _, __: None, clock=lambda: 100.0
            ),
        )
        self.messages = [message(seq) for seq in range(1, short + 3)]
        for one in self.messages[:short]:
            one.budget = "EUR"
        owned = owned_shard()
        self.buffer.add_shard(owned)
        self.buffer.track(owned, [one.offset for one in self.messages])
        self.buffer.admit(self.messages, [], [])

    def claimed(self) -> list[int]:
        batch = self.buffer.take_batch()
        self.buffer.apply_commit(batch.results, batch.claims)
        return [one.key.seq for one in batch.claims]


def test_what_cannot_be_paid_for_holds_nothing_back() -> None:
    """It waits aside, still held, and is claimed in its order when there is money."""
    scene = Scene(in_flight=2)
    assert scene.claimed() == [4, 5]
    assert scene.claimed() == []
    scene.buffer.add_results([SendResult(one, SendStatus.ACCEPTED) for one in scene.messages[3:]])
    scene.claimed()
    assert not scene.buffer.wait_for_work(0.0)
    assert scene.buffer.held_keys([one.key for one in scene.messages[:3]])
    scene.money.left = 2
    assert scene.claimed() == []
    scene.buffer.queue_unfunded()
    assert scene.claimed() == [1, 2]
    assert scene.buffer.held_keys([scene.messages[2].key])


def test_what_cannot_be_paid_for_uses_no_grant_of_a_rate() -> None:
    """A campaign with a rate claims no more than that, and what has money of it."""
    scene = Scene(rate=2)
    assert scene.claimed() == [4, 5]
    scene = Scene(rate=2)
    scene.money.left = 1
    assert scene.claimed() == [1, 4]
    assert scene.claimed() == [5]


def test_messages_of_a_paused_campaign_wait_for_no_money() -> None:
    scene = Scene()
    scene.claimed()
    scene.buffer.end_unclaimed([], [], lambda them: [SendStatus.STALE] * len(them))
    results = scene.buffer.take_batch().results
    assert results == [SendResult(one, SendStatus.STALE) for one in scene.messages[:3]]
    assert scene.buffer.first_unfunded() == []


def test_a_released_shard_leaves_none_waiting_for_money() -> None:
    scene = Scene()
    scene.claimed()
    scene.buffer.drain([0], timeout=0.0)
    assert scene.buffer.first_unfunded() == []
    assert not scene.buffer.held_keys([one.key for one in scene.messages[:3]])


def test_a_claim_that_failed_gives_its_money_back() -> None:
    scene = Scene()
    scene.money.left = 3
    batch = scene.buffer.take_batch()
    scene.buffer.put_back(batch)
    assert scene.money.given_back == scene.messages


def test_what_waits_for_money_lets_others_be_fetched() -> None:
    """However much of it there is; the latest go back when that is too much, without an attempt."""
    scene = Scene(in_flight=1_000, short=100)
    scene.claimed()
    assert scene.buffer.wait_for_capacity(0.0)
    scene.buffer.postpone(set())
    results = scene.buffer.take_batch().results
    assert [one.status for one in results] == [SendStatus.LIMITED] * (100 - MOST_WAITING * BATCH)
    assert next(one.message.key.seq for one in results) == 1 + MOST_WAITING * BATCH
    assert all(one.retry_after for one in results)


def test_a_message_without_money_holds_no_offset_for_long() -> None:
    """Messages that hold up their shard go back, so that those of other campaigns go on."""
    scene = Scene(in_flight=10)
    scene.claimed()
    scene.buffer.advance_to(0, scene.buffer.max_span // 2 + scene.messages[0].offset)
    scene.buffer.postpone(set())
    assert scene.buffer.take_batch().results == []
    scene.buffer.advance_to(0, scene.buffer.max_span + scene.messages[0].offset)
    assert not scene.buffer.wait_for_capacity(0.0)
    scene.buffer.postpone(set())
    batch = scene.buffer.take_batch()
    scene.buffer.apply_commit(batch.results, batch.claims)
    assert [one.message for one in batch.results] == scene.messages[:3]
    assert scene.buffer.wait_for_capacity(0.0)


def test_a_cheap_message_does_not_overtake_an_expensive_one() -> None:
    """While one of a campaign waits for money, later ones wait behind it, in every batch."""
    scene = Scene()
    scene.claimed()
    scene.money.left = 5
    late = message(6)
    late.budget = "EUR"
    owned = scene.buffer.owned(0)
    assert owned is not None
    scene.buffer.track(owned, [late.offset])
    scene.buffer.admit([late], [], [])
    assert scene.claimed() == []
    assert scene.buffer.first_unfunded() == scene.messages[:1]
    scene.buffer.queue_unfunded()
    assert scene.claimed() == [1, 2, 3, 6]


def test_money_is_told_how_long_a_transaction_took() -> None:
    """It must last until the next choice of claims."""
    scene = Scene()
    batch = scene.buffer.take_batch()
    time.sleep(0.02)
    scene.buffer.apply_commit(batch.results, batch.claims)
    assert [0.02 <= seconds < 10 for seconds in scene.money.transactions] == [True]
