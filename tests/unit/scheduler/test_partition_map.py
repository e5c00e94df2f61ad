"""When a draining partition map may flip, and to what."""

import pytest

from campaign_common.domain.partition_map import (
    ShardPosition,
    TopicDescription,
    next_map,
    position_under,
    unrecorded_shards,
)
from tests.unit.scheduler.campaigns import PARTITIONS, SHARDS, a_map

ENDS = {0: 10, 1: 20, 2: 30, 3: 40}
STARTS = dict.fromkeys(range(PARTITIONS), 0)


def at_the_end(shard: int, **changes: object) -> ShardPosition:
    partition = shard % PARTITIONS
    values: dict[str, object] = {
        "shard": shard,
        "topic_id": "first",
        "partition": partition,
        "map_version": 2,
        "recorded_offset": ENDS[partition],
        "has_claims": False,
    }
    return ShardPosition(**{**values, **changes})  # type: ignore[arg-type]


def everyone_at_the_end() -> dict[int, ShardPosition]:
    return {shard: at_the_end(shard) for shard in range(SHARDS)}


def never_owned(shard: int) -> ShardPosition:
    return ShardPosition(shard, "", -1, 0, -1, has_claims=False)


def test_a_map_whose_shards_are_all_recorded_may_flip() -> None:
    assert unrecorded_shards(a_map(), everyone_at_the_end(), STARTS, ENDS) == []


@pytest.mark.parametrize(
    "unfinished",
    [
        at_the_end(5, recorded_offset=19),
        at_the_end(5, has_claims=True),
        at_the_end(5, topic_id="another"),
        at_the_end(5, map_version=1),
        never_owned(5),
    ],
    ids=[
        "record left",
        "open claim",
        "offset of another topic",
        "offset of an old map",
        "no owner",
    ],
)
def test_one_unfinished_shard_keeps_the_map_from_flipping(unfinished: ShardPosition) -> None:
    positions = everyone_at_the_end() | {5: unfinished}
    assert unrecorded_shards(a_map(), positions, STARTS, ENDS) == [5]


def test_one_of_two_shards_on_a_partition_is_not_enough() -> None:
    positions = everyone_at_the_end() | {5: at_the_end(5, recorded_offset=3)}
    assert positions[1].recorded_offset == ENDS[1]
    assert unrecorded_shards(a_map(), positions, STARTS, ENDS) == [5]


def test_an_empty_partition_without_owners_counts_as_recorded() -> None:
    """An empty partition that never had an owner counts as recorded."""
    positions = {shard: never_owned(shard) for shard in range(SHARDS)}
    empty = dict.fromkeys(range(PARTITIONS), 0)
    assert unrecorded_shards(a_map(), positions, empty, empty) == []


def test_what_retention_removed_counts_as_recorded() -> None:
    positions = everyone_at_the_end() | {5: at_the_end(5, recorded_offset=3)}
    assert unrecorded_shards(a_map(), positions, {**STARTS, 1: 20}, ENDS) == []


def test_a_shard_without_takeover_stands_where_the_map_begins() -> None:
    """A shard not taken over since the last flip stands where this map begins."""
    stale = at_the_end(5, map_version=1, partition=1, recorded_offset=2)
    begun = a_map(start_offsets={1: 20})
    assert position_under(begun, stale) == 20
    assert unrecorded_shards(begun, everyone_at_the_end() | {5: stale}, STARTS, ENDS) == []


def test_more_partitions_begin_where_the_old_ones_ended() -> None:
    following = next_map(a_map(), TopicDescription("first", 8), ENDS)
    assert (following.version, following.partitions, following.is_active) == (3, 8, True)
    assert [following.start_of(n) for n in range(8)] == [10, 20, 30, 40, 0, 0, 0, 0]


def test_a_topic_made_anew_begins_at_its_start() -> None:
    following = next_map(a_map(start_offsets=ENDS), TopicDescription("second", 2), {})
    assert (following.topic_id, following.partitions) == ("second", 2)
    assert [following.start_of(n) for n in range(2)] == [0, 0]


@pytest.mark.parametrize(
    ("topic", "matches"),
    [
        (TopicDescription("first", PARTITIONS), True),
        (TopicDescription("first", PARTITIONS + 1), False),
        (TopicDescription("second", PARTITIONS), False),
        (TopicDescription("first", PARTITIONS - 1), True),
    ],
    ids=["same", "more partitions", "another topic", "a broker that is behind"],
)
def test_the_map_follows_growth_and_replacement_only(
    topic: TopicDescription, *, matches: bool
) -> None:
    assert a_map().matches(topic) is matches
