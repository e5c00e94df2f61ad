"""Shards on two servers: a message is dispatched again when the view of its server is fresh."""

from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery.dispatcher import Dispatcher
from tests.unit.sender.two_groups import TwoGroups


def test_deferred_messages_are_dispatched_after_a_refresh() -> None:
    scene = TwoGroups()
    dispatcher = Dispatcher()
    dispatcher.connect(scene.groups)
    dispatcher.on_results(
        [SendResult(one, SendStatus.DEFERRED) for one in (scene.first, scene.other)]
    )
    dispatcher.retry_deferred(lambda one: one.record.shard == 0)
    # The campaign is not known here, so the message is deferred once more.
    assert [one.record.seq for one in dispatcher._deferred] == [2, 1]
