from typing import Any, cast

from confluent_kafka import TopicPartition

from campaign_common.store.shards.claims import ClaimRow, Place
from campaign_sender.ownership.group_member import GroupMember
from campaign_sender.ownership.group_membership import POSSIBLY_SENT_MARK, GroupMembership
from tests.unit.sender.messages import partition_map

PARTITION = 3
MAX_SPAN = 40
HERE = Place("topic-id", PARTITION, 1)


class Coordinator:
    """The offsets of one partition, as the group's coordinator keeps them."""

    def __init__(self, offset: int, end: int) -> None:
        self.place = TopicPartition("Sync-Msg-T", PARTITION, offset)
        self.end = end

    def committed(self, *_: object, **__: object) -> list[TopicPartition]:
        return [self.place]

    def get_watermark_offsets(self, *_: object, **__: object) -> tuple[int, int]:
        return 0, self.end

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition]:
        assert not asynchronous
        (self.place,) = offsets
        return offsets


def row(recorded: int, *, place: Place = HERE, shard: int = PARTITION) -> ClaimRow:
    return ClaimRow(shard, 1, b"", 1, b"", place, recorded)


def verified(coordinator: Coordinator, *rows: ClaimRow) -> tuple[int, int, Any]:
    """Offsets in doubt, and those that the coordinator knows afterwards."""
    membership = GroupMembership(cast("GroupMember", coordinator), "Sync-Msg-T", MAX_SPAN)
    below = membership.verify(PARTITION, partition_map(), rows)
    return below, coordinator.place.offset, coordinator.place.metadata


def test_offsets_recorded_and_in_kafka_leave_no_doubt() -> None:
    """Recorded offsets that are in Kafka leave nothing in doubt."""
    assert verified(Coordinator(90, 500), row(120), row(100)) == (0, 100, None)
    assert verified(Coordinator(100, 500), row(100)) == (0, 100, None)


def test_a_later_offset_in_kafka_puts_the_gap_in_doubt() -> None:
    """A later offset in Kafka puts the gap and a span in doubt."""
    assert verified(Coordinator(300, 500), row(100)) == (340, 340, POSSIBLY_SENT_MARK)


def test_one_shard_that_is_behind_is_enough() -> None:
    assert verified(Coordinator(300, 500), row(300), row(100)) == (340, 340, POSSIBLY_SENT_MARK)


def test_records_after_a_noticed_loss_are_not_in_doubt() -> None:
    """Records published after the loss was noticed are not in doubt."""
    assert verified(Coordinator(300, 310), row(100)) == (310, 310, POSSIBLY_SENT_MARK)


def test_the_next_owner_doubts_the_same_messages_and_no_more() -> None:
    coordinator = Coordinator(300, 500)
    verified(coordinator, row(100))
    assert verified(coordinator, row(320)) == (340, 340, POSSIBLY_SENT_MARK)
    assert verified(coordinator, row(340)) == (0, 340, None)


def test_an_offset_of_another_topic_or_map_proves_nothing() -> None:
    for place in (Place("another", PARTITION, 1), Place("topic-id", PARTITION, 0)):
        assert verified(Coordinator(300, 500), row(100, place=place)) == (0, 0, None)
