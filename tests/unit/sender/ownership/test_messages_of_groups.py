"""Shards on two servers: each shard and message is found in its group."""

from campaign_providers.contract import SendResult, SendStatus
from tests.unit.sender.messages import message
from tests.unit.sender.two_groups import TwoGroups


def test_shards_and_messages_are_found_on_their_buffers() -> None:
    scene = TwoGroups()
    assert [owned.shard for owned in scene.groups.shards()] == [0, 1]
    assert scene.groups.owned(1) is scene.second.owned(1)
    assert scene.groups.still_held([scene.first, message(3), scene.other]) == [
        scene.first,
        scene.other,
    ]
    assert not scene.main.holds(scene.other)


def test_results_go_to_the_buffer_of_their_shard() -> None:
    scene = TwoGroups()
    scene.claim_all()
    scene.groups.add_results(
        [SendResult(one, SendStatus.ACCEPTED) for one in (scene.other, scene.first)]
    )
    assert [r.message for r in scene.main.take_batch().results] == [scene.first]
    assert [r.message for r in scene.second.take_batch().results] == [scene.other]


def test_a_message_is_checked_by_its_shards_guard() -> None:
    scene = TwoGroups()
    checked = scene.groups.check_before_send([scene.other, scene.first, scene.other])
    assert checked == [SendStatus.DEFERRED, None, SendStatus.DEFERRED]
    assert scene.groups.check_before_send([scene.other]) == [SendStatus.DEFERRED]


def test_draining_waits_for_every_buffer_up_to_its_limit() -> None:
    """Draining waits for every buffer but no longer than it may."""
    scene = TwoGroups()
    assert scene.groups.drain({0, 1}, 0.0)  # nothing was sent yet
    scene = TwoGroups()
    scene.claim_all()
    scene.main.apply_commit([SendResult(scene.first, SendStatus.ACCEPTED)], [])
    assert scene.groups.drain({0}, 0.0)
    assert not scene.groups.drain({0, 1}, 0.01)
    scene.second.apply_commit([SendResult(scene.other, SendStatus.ACCEPTED)], [])
    assert scene.groups.drain({0, 1}, 0.0)
