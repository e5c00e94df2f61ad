"""The desks and lookouts of a sender whose shards live on several servers, as if they were one.

Each server has a desk of its own, so that what waits for a server that is away takes no room from
what belongs to the others, and a lookout of its own, so that only its calls wait.
"""

import time
from collections.abc import Collection, Sequence

from campaign_common.per_server import PerServer
from campaign_sender.in_flight.buffer import Desk
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.providers.contract import Result


class Desks:
    """Finds the desk that a shard, or a message, belongs to."""

    def __init__(self, desks: PerServer[Desk]) -> None:
        self._desks = desks

    @property
    def spread_limit(self) -> int:
        """By how many offsets this process may be ahead of what it has recorded of a shard."""
        return self._desks.main.spread_limit

    def owned(self, shard: int) -> OwnedShard | None:
        """Return the shard if this process owns it."""
        return self._desks.of_shard(shard).owned(shard)

    def shards(self) -> list[OwnedShard]:
        """List the shards this process owns, in the order of their numbers."""
        owned = [one for desk in self._desks.all for one in desk.shards()]
        return sorted(owned, key=lambda one: one.shard)

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        """Return those records that are still this process's to work on."""
        return [m for m in messages if self._desks.of_shard(m.record.shard).holds(m)]

    def report(self, results: Sequence[Result]) -> None:
        """Take results from a provider, each to its desk."""
        by_desk: dict[Desk, list[Result]] = {}
        for result in results:
            desk = self._desks.of_shard(result.message.record.shard)
            by_desk.setdefault(desk, []).append(result)
        for desk, group in by_desk.items():
            desk.report(group)

    def move_to(self, partition: int, position: int) -> None:
        """Note that all records of `partition` below `position` have been looked at."""
        for desk in self._desks.all:
            desk.move_to(partition, position)

    def drain(self, shards: Collection[int], timeout: float) -> bool:
        """Give up what is not called yet of `shards`, and wait until the rest is recorded.

        False: `timeout` seconds were not enough for all of them.
        """
        give_up_at = time.monotonic() + timeout
        waiting = [
            (desk, held) for desk, held in self._desks.holding(shards) if not desk.drain(held, 0.0)
        ]
        drained = [
            desk.drain(held, max(0.0, give_up_at - time.monotonic())) for desk, held in waiting
        ]
        return all(drained)
