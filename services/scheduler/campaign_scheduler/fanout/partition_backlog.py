"""Outstanding messages of a campaign by partition, and which partitions are stalled.

When a sender dies, its partitions stall until the broker assigns them to others; when a database
server is down, those of its shards stall. The messages in them must not count against the
campaign's window. They would soon fill it, and the other partitions would run dry.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from campaign_common.domain.partition_map import PartitionMap

OUTCOMES_ELSEWHERE = 20
"""Outcomes per partition that the other busy partitions must have for a silent one to be stalled.

Shards are drawn by a hash: a partition that is worked on has no outcome for that long with a
probability of about e**-20. If all other partitions are idle, silence is enough.
"""


class LastOutcome(NamedTuple):
    """Time of a partition's last outcome, and the number of outcomes at that time."""

    at: float
    recorded: int
    recorded_by_all: int


class PartitionBacklog:
    """Published and recorded messages of one campaign, by partition.

    `stall_after`: seconds without an outcome, while other partitions have some, after which a
    partition is stalled. Within the seconds of the publish window it may just not have had its
    turn.
    """

    def __init__(self, stall_after: float) -> None:
        self._stall_after = stall_after
        self._map: PartitionMap | None = None
        self._latest: Mapping[int, int] = {}
        self._before: Mapping[int, int] = {}
        self._published: Counter[int] = Counter()
        self._recorded: Counter[int] = Counter()
        self._last_outcomes: dict[int, LastOutcome] = {}
        self.stalled = 0
        """Number of outstanding messages in stalled partitions, as of the last sample."""

    @property
    def outstanding(self) -> int:
        """Number of messages published since the last reset that have no outcome."""
        return sum(self._outstanding().values())

    def add(self, counts: Mapping[int, int], partition_map: PartitionMap) -> None:
        """Add published messages, by partition; another map resets the backlog first."""
        if self._map is None or self._map.version != partition_map.version:
            self.reset()
            self._map = partition_map
            self._before = self._latest
        self._published.update(counts)

    def reset(self) -> None:
        """Forget what was published: it is published again, or into other partitions."""
        self._published.clear()
        self._recorded.clear()
        self._last_outcomes.clear()
        self._map = None
        self.stalled = 0

    def sample(self, now: float, recorded: Mapping[int, int]) -> None:
        """Update the backlog and `stalled`.

        Call this before the first publication too: earlier outcomes do not belong to it.

        Args:
            now: monotonic seconds.
            recorded: number of outcomes by shard.
        """
        self._latest = recorded
        if self._map is None:
            return
        here = self._recorded
        here.clear()
        for shard, n in recorded.items():
            here[self._map.partition(shard)] += n - self._before.get(shard, 0)
        total = here.total()
        outstanding = self._outstanding()
        for partition, missing in outstanding.items():
            last = self._last_outcomes.get(partition)
            if last is None or last.recorded != here[partition] or not missing:
                self._last_outcomes[partition] = LastOutcome(now, here[partition], total)
        silent = {
            n for n, last in self._last_outcomes.items() if now - last.at >= self._stall_after
        }
        others = set(range(self._map.partitions)) - silent
        are_others_idle = bool(others) and not any(outstanding.get(n) for n in others)
        needed = 0 if are_others_idle else OUTCOMES_ELSEWHERE * len(outstanding)
        self.stalled = sum(
            outstanding[n]
            for n in silent
            if total - self._last_outcomes[n].recorded_by_all >= needed
        )

    def _outstanding(self) -> dict[int, int]:
        recorded = self._recorded
        return {n: max(published - recorded[n], 0) for n, published in self._published.items()}
