"""Stalled partitions, found by samples of a campaign's outcomes."""

from dataclasses import dataclass, field

from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_scheduler.fanout.partition_backlog import PartitionBacklog

STALL_AFTER = 2.5
SHARDS = 8


def a_map(version: int = 1, partitions: int = SHARDS) -> PartitionMap:
    return PartitionMap("topic", "id", version, partitions, MapState.ACTIVE)


@dataclass
class Campaign:
    """Each second as many are published for every shard as are recorded by the shards at work."""

    backlog: PartitionBacklog = field(default_factory=lambda: PartitionBacklog(STALL_AFTER))
    recorded: dict[int, int] = field(default_factory=dict)
    now: float = 100.0

    def run(self, seconds: int, at_work: range, each: int = 1_000) -> None:
        for _ in range(seconds):
            self.backlog.add(dict.fromkeys(range(SHARDS), each), a_map())
            self.backlog.sample(self.now, self.recorded)
            self.now += 1.0
            for shard in at_work:
                self.recorded[shard] = self.recorded.get(shard, 0) + each
            self.backlog.sample(self.now, self.recorded)


def test_nothing_is_stalled_while_every_shard_moves() -> None:
    campaign = Campaign()
    campaign.run(20, range(SHARDS))
    assert campaign.backlog.stalled == 0


def test_what_lies_where_nothing_moves_is_stalled_after_a_while() -> None:
    campaign = Campaign()
    campaign.run(5, range(SHARDS))
    campaign.run(2, range(4))
    assert campaign.backlog.stalled == 0
    campaign.run(1, range(4))
    assert campaign.backlog.stalled == 4 * 3_000


def test_a_stall_is_known_where_the_others_have_nothing_left() -> None:
    """A stall is known by a few outcomes where the other partitions have nothing left."""
    campaign = Campaign()
    campaign.run(1, range(4), each=3)
    for _ in range(3):
        campaign.now += 1.0
        campaign.backlog.sample(campaign.now, campaign.recorded)
    assert campaign.backlog.stalled == 4 * 3


def test_a_stall_is_known_where_nothing_else_was_published() -> None:
    # Published again, the beginning of a list has only those without an outcome.
    backlog = PartitionBacklog(STALL_AFTER)
    for second in range(4):
        if second == 1:
            backlog.add(dict.fromkeys(range(4, 8), 250), a_map())
        backlog.sample(100.0 + second, dict.fromkeys(range(4), 5_000))
    assert (backlog.outstanding, backlog.stalled) == (1_000, 0)
    backlog.sample(104.0, dict.fromkeys(range(4), 5_000))
    assert backlog.stalled == 1_000


def test_what_moves_again_is_not_stalled() -> None:
    campaign = Campaign()
    campaign.run(5, range(4))
    assert campaign.backlog.stalled == 4 * 5_000
    campaign.run(1, range(SHARDS))
    assert campaign.backlog.stalled == 0


def test_nothing_is_stalled_where_no_sender_works_at_all() -> None:
    campaign = Campaign()
    campaign.run(5, range(SHARDS))
    campaign.run(20, range(0))
    assert campaign.backlog.stalled == 0


def test_a_shard_without_messages_is_not_stalled() -> None:
    campaign = Campaign()
    campaign.run(5, range(SHARDS), each=0)
    assert campaign.backlog.stalled == 0


def test_a_slow_campaign_has_shards_without_an_outcome_for_long() -> None:
    campaign = Campaign()
    campaign.run(1, range(SHARDS), each=100)
    for second in range(40):
        campaign.recorded[second % 5] += 2
        campaign.now += 1.0
        campaign.backlog.sample(campaign.now, campaign.recorded)
    assert campaign.backlog.stalled == 0


def test_outcomes_before_the_lease_count_for_no_partition() -> None:
    """Outcomes recorded before this process held the lease count for no partition."""
    backlog = PartitionBacklog(STALL_AFTER)
    backlog.sample(100.0, dict.fromkeys(range(SHARDS), 5_000))
    campaign = Campaign(backlog, dict.fromkeys(range(SHARDS), 5_000))
    campaign.run(4, range(4))
    assert backlog.stalled == 4 * 4_000


def test_another_partition_map_resets_the_backlog() -> None:
    campaign = Campaign()
    campaign.run(5, range(4))
    assert campaign.backlog.outstanding == 4 * 5_000
    campaign.backlog.add({0: 100, 1: 100}, a_map(version=2, partitions=2))
    campaign.backlog.sample(campaign.now, campaign.recorded)
    assert (campaign.backlog.stalled, campaign.backlog.outstanding) == (0, 200)


def test_late_counters_do_not_make_others_seem_idle() -> None:
    """Counters of a server that was away do not make others seem idle."""
    campaign = Campaign()
    campaign.run(1, range(4))
    campaign.recorded |= dict.fromkeys(range(4, 8), 70_000)
    campaign.run(2, range(4), each=100)
    assert campaign.backlog.outstanding == 0
    campaign.backlog.add({0: 500}, a_map())
    assert campaign.backlog.outstanding == 500


def test_shards_that_share_a_partition_stall_together() -> None:
    backlog = PartitionBacklog(STALL_AFTER)
    backlog.add({0: 4_000, 1: 4_000}, a_map(partitions=2))
    for second in range(6):
        backlog.sample(100.0 + second, {0: 100 * second, 2: 100 * second, 4: 10, 1: 7})
    assert backlog.stalled == 4_000 - 7
