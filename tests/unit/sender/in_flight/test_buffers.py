"""Shards on two servers: each message finds its buffer, and its last look."""

from collections.abc import Sequence
from typing import cast

from campaign_common.per_server import PerServer
from campaign_sender.delivery.dispatcher import Dispatcher
from campaign_sender.delivery.send_guard import SendGuard, SendGuards
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.buffers import InFlightBuffers
from campaign_sender.message import Message
from campaign_sender.providers.contract import SendResult, SendStatus
from tests.unit.sender.messages import message, owned_shard

HOLDERS = {1: 1}


class FixedGuard:
    def __init__(self, answer: SendStatus | None) -> None:
        self.answer = answer

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [self.answer] * len(messages)

    def version_of(self, _: int) -> None:
        return None


class Scene:
    """Shard 0 on the main server, shard 1 on the second; one message of each is held."""

    def __init__(self) -> None:
        self.main, self.second = (InFlightBuffer(in_flight=10, batch_size=10) for _ in range(2))
        self.buffers = InFlightBuffers(PerServer((self.main, self.second), HOLDERS))
        self.main.add_shard(owned_shard(0))
        self.second.add_shard(owned_shard(1))
        self.first, self.other = message(1), message(2, shard=1, partition=1)
        self.main.admit([self.first], [], [])
        self.second.admit([self.other], [], [])

    def claim_all(self) -> None:
        for buffer in (self.main, self.second):
            buffer.apply_commit([], buffer.take_batch().claims)


def test_shards_and_messages_are_found_on_their_buffers() -> None:
    scene = Scene()
    assert [owned.shard for owned in scene.buffers.shards()] == [0, 1]
    assert scene.buffers.owned(1) is scene.second.owned(1)
    assert scene.buffers.still_held([scene.first, message(3), scene.other]) == [
        scene.first,
        scene.other,
    ]
    assert not scene.main.holds(scene.other)


def test_results_go_to_the_buffer_of_their_shard() -> None:
    scene = Scene()
    scene.claim_all()
    scene.buffers.add_results(
        [SendResult(one, SendStatus.ACCEPTED) for one in (scene.other, scene.first)]
    )
    assert [r.message for r in scene.main.take_batch().results] == [scene.first]
    assert [r.message for r in scene.second.take_batch().results] == [scene.other]


def test_draining_waits_for_every_buffer_but_no_longer_than_it_may() -> None:
    scene = Scene()
    assert scene.buffers.drain({0, 1}, 0.0)  # nobody was called yet
    scene = Scene()
    scene.claim_all()
    scene.main.apply_commit([SendResult(scene.first, SendStatus.ACCEPTED)], [])
    assert scene.buffers.drain({0}, 0.0)
    assert not scene.buffers.drain({0, 1}, 0.01)
    scene.second.apply_commit([SendResult(scene.other, SendStatus.ACCEPTED)], [])
    assert scene.buffers.drain({0, 1}, 0.0)


def test_the_last_look_is_at_the_server_of_the_shard() -> None:
    guards = SendGuards(
        PerServer(
            (
                cast("SendGuard", FixedGuard(None)),
                cast("SendGuard", FixedGuard(SendStatus.DEFERRED)),
            ),
            HOLDERS,
        )
    )
    scene = Scene()
    looked_at = guards.check_before_send([scene.other, scene.first, scene.other])
    assert looked_at == [SendStatus.DEFERRED, None, SendStatus.DEFERRED]


def test_what_waits_for_a_server_is_offered_again_after_a_look_there() -> None:
    scene = Scene()
    dispatcher = Dispatcher(scene.buffers, FixedGuard(None))
    dispatcher.on_results(
        [SendResult(one, SendStatus.DEFERRED) for one in (scene.first, scene.other)]
    )
    dispatcher.retry_deferred(lambda one: one.record.shard == 0)
    # Nothing is known of its campaign here, so what is offered is deferred once more.
    assert [one.record.seq for one in dispatcher._deferred] == [2, 1]
