"""Which part of a campaign's outstanding messages nobody works on.

When a sender dies, the partitions it had stand still until the broker gives them to others,
and when a database server is away, so do those of its shards. What lies there must not count
against the campaign's window, or it would soon fill it, and everybody else would wait too.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from campaign_common.partition_map import PartitionMap

ENOUGH = 20
"""Outcomes a partition, at others that have work, by which one without any is known to stand.

With shards drawn by a hash, a partition that is worked on stays without by chance with a
probability of about e**-20. Where the others have nothing to do, none is needed.
"""


class Moved(NamedTuple):
    """When a partition had its last outcome: seconds, and how many all of them had by then."""

    at: float
    recorded: int
    in_all: int


class Backlog:
    """What was published of one campaign and what was recorded of it, by partition.

    `patience`: seconds after which a partition that has no outcome, while others do, stands
    still. Within the seconds that a window is worth, it may just not have had its turn.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._map: PartitionMap | None = None
        self._last: Mapping[int, int] = {}
        self._before: Mapping[int, int] = {}
        self._published: Counter[int] = Counter()
        self._recorded: Counter[int] = Counter()
        self._moved: dict[int, Moved] = {}
        self.standing = 0
        """How many messages are outstanding where nothing moves, as of the last sample."""

    @property
    def outstanding(self) -> int:
        """How many messages have no outcome, of those published since this began."""
        return sum(self._outstanding().values())

    def published(self, counts: Mapping[int, int], partition_map: PartitionMap) -> None:
        """Note how many were published into each partition, under which map."""
        if self._map is None or self._map.version != partition_map.version:
            self.forget()
            self._map = partition_map
            self._before = self._last
        self._published.update(counts)

    def forget(self) -> None:
        """Begin anew: what was published is published again, or into other partitions."""
        self._published.clear()
        self._recorded.clear()
        self._moved.clear()
        self._map = None
        self.standing = 0

    def sample(self, now: float, recorded: Mapping[int, int]) -> None:
        """Learn how many outcomes each shard has by `now` (monotonic seconds).

        To be called before the first publication too: what was recorded before is not of it.
        """
        self._last = recorded
        if self._map is None:
            return
        here = self._recorded
        here.clear()
        for shard, n in recorded.items():
            here[self._map.partition(shard)] += n - self._before.get(shard, 0)
        in_all = here.total()
        outstanding = self._outstanding()
        for partition, missing in outstanding.items():
            moved = self._moved.get(partition)
            if moved is None or moved.recorded != here[partition] or not missing:
                self._moved[partition] = Moved(now, here[partition], in_all)
        still = {n for n, moved in self._moved.items() if now - moved.at >= self._patience}
        others = set(range(self._map.partitions)) - still
        others_wait = bool(others) and not any(outstanding.get(n) for n in others)
        enough = 0 if others_wait else ENOUGH * len(outstanding)
        self.standing = sum(
            outstanding[n] for n in still if in_all - self._moved[n].in_all >= enough
        )

    def _outstanding(self) -> dict[int, int]:
        recorded = self._recorded
        return {n: max(published - recorded[n], 0) for n, published in self._published.items()}
