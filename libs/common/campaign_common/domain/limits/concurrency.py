"""Division of the requests under way that a provider may have between senders."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Self


class SenderShards(NamedTuple):
    """Numbers of shards of all senders, in the order of their names.

    All that have read the same owners divide in the same way. `place`: that of this sender; None:
    it owns no shard.
    """

    counts: tuple[int, ...]
    place: int | None

    @classmethod
    def of(cls, counts: Mapping[str, int], name: str) -> Self:
        """Return the shards by sender as the one of this name sees them."""
        names = sorted(counts)
        place = names.index(name) if name in counts else None
        return cls(tuple(counts[one] for one in names), place)

    def part_of(self, requests: int) -> int:
        """Return how many of so many requests under way this sender may have, at least one."""
        return 1 if self.place is None else divide_requests(requests, self.counts)[self.place]


ALONE = SenderShards((1,), 0)
"""A sender that owns all shards."""


@lru_cache(maxsize=64)
def divide_requests(total: int, shards: Sequence[int]) -> tuple[int, ...]:
    """Divide requests under way by shards, at least one for each sender; equal ones by order.

    The parts add up to `total`, or to the number of senders where that is larger. Each differs from
    its exact part by less than one, but for what the least of one costs others.
    """
    whole = sum(shards)
    parts = [max(1, total * n // whole) for n in shards]

    def surplus(place: int) -> int:
        return parts[place] * whole - total * shards[place]

    while sum(parts) < total:
        parts[min(range(len(parts)), key=surplus)] += 1
    while sum(parts) > max(total, len(parts)):
        parts[max((n for n, part in enumerate(parts) if part > 1), key=surplus)] -= 1
    return tuple(parts)
