"""Shards on two servers: each message is checked by its guard, and dispatched when it is fresh."""

from collections.abc import Sequence
from typing import cast

from campaign_common.database.by_server import ByServer
from campaign_sender.delivery.dispatcher import Dispatcher
from campaign_sender.delivery.send_guard import SendGuard, SendGuards
from campaign_sender.message import Message
from campaign_sender.providers.contract import SendResult, SendStatus
from tests.unit.sender.two_groups import HOLDERS, TwoGroups


class FixedGuard:
    def __init__(self, status: SendStatus | None) -> None:
        self.status = status

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [self.status] * len(messages)

    def version_of(self, _: int) -> None:
        return None


def test_a_message_is_checked_by_its_shards_guard() -> None:
    both = FixedGuard(None), FixedGuard(SendStatus.DEFERRED)
    guards = SendGuards(ByServer(cast("tuple[SendGuard, ...]", both), HOLDERS))
    scene = TwoGroups()
    checked = guards.check_before_send([scene.other, scene.first, scene.other])
    assert checked == [SendStatus.DEFERRED, None, SendStatus.DEFERRED]


def test_deferred_messages_are_dispatched_after_a_refresh() -> None:
    scene = TwoGroups()
    dispatcher = Dispatcher(scene.buffers, FixedGuard(None))
    dispatcher.on_results(
        [SendResult(one, SendStatus.DEFERRED) for one in (scene.first, scene.other)]
    )
    dispatcher.retry_deferred(lambda one: one.record.shard == 0)
    # The campaign is not known here, so the message is deferred once more.
    assert [one.record.seq for one in dispatcher._deferred] == [2, 1]
