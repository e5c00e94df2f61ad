"""Messages of campaigns with a budget, between the queue and the claim."""

from collections.abc import Collection, Sequence

from campaign_common.domain.campaign import CampaignId
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.claim_window import Unbounded
from campaign_sender.in_flight.funds import Reserved
from campaign_sender.message import Message
from tests.unit.sender.messages import CAMPAIGN, message, owned_shard


class Money:
    """Pays for so many messages with a budget."""

    def __init__(self) -> None:
        self.left = 0
        self.given_back: list[Message] = []

    def reserve(self, messages: list[Message]) -> Reserved:
        funded: list[Message] = []
        short: list[Message] = []
        for one in messages:
            can_pay = one.budget is None or self.left > 0
            self.left -= can_pay and one.budget is not None
            (funded if can_pay else short).append(one)
        return Reserved(funded, short)

    def give_back(self, messages: Sequence[Message]) -> None:
        self.given_back += messages


class Rate(Unbounded):
    """Lets so many messages of the campaign be claimed; None: all."""

    def __init__(self, messages: int | None) -> None:
        self.messages = messages

    def campaigns_with_rate(self) -> Collection[CampaignId]:
        return () if self.messages is None else (CAMPAIGN,)

    def claimable_of(self, _: CampaignId) -> int | None:
        return self.messages


class Scene:
    """Three messages with a budget before two without one, of one provider."""

    def __init__(self, in_flight: int = 100, rate: int | None = None) -> None:
        self.money = Money()
        self.buffer = InFlightBuffer(
            in_flight=in_flight, batch_size=10, bounds=Rate(rate), funds=self.money
        )
        self.messages = [message(seq) for seq in range(1, 6)]
        for one in self.messages[:3]:
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
    scene.buffer.queue_short()
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
    short = scene.buffer.campaigns_of_short()
    scene.buffer.drop_void([], short, lambda them: [SendStatus.STALE] * len(them))
    results = scene.buffer.take_batch().results
    assert results == [SendResult(one, SendStatus.STALE) for one in scene.messages[:3]]
    assert scene.buffer.campaigns_of_short() == set()


def test_a_released_shard_leaves_none_waiting_for_money() -> None:
    scene = Scene()
    scene.claimed()
    scene.buffer.drain([0], timeout=0.0)
    assert scene.buffer.campaigns_of_short() == set()
    assert not scene.buffer.held_keys([one.key for one in scene.messages[:3]])


def test_a_claim_that_failed_gives_its_money_back() -> None:
    scene = Scene()
    scene.money.left = 3
    batch = scene.buffer.take_batch()
    scene.buffer.put_back(batch)
    assert scene.money.given_back == scene.messages
