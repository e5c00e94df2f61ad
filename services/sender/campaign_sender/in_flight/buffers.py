"""The buffers and guards of a sender whose shards live on several servers, as if they were one.

Each server has a buffer of its own, so that what waits for a server that is away takes no room from
what belongs to the others, and a guard of its own, so that only its calls wait.
"""

import time
from collections.abc import Collection, Sequence

from campaign_common.per_server import PerServer
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.providers.contract import SendResult


class InFlightBuffers:
    """Finds the buffer that a shard, or a message, belongs to."""

    def __init__(self, buffers: PerServer[InFlightBuffer]) -> None:
        self._buffers = buffers

    @property
    def max_span(self) -> int:
        """By how many offsets this process may be ahead of what it has recorded of a shard."""
        return self._buffers.main.max_span

    def owned(self, shard: int) -> OwnedShard | None:
        """Return the shard if this process owns it."""
        return self._buffers.of_shard(shard).owned(shard)

    def shards(self) -> list[OwnedShard]:
        """List the shards this process owns, in the order of their numbers."""
        owned = [one for buffer in self._buffers.all for one in buffer.shards()]
        return sorted(owned, key=lambda one: one.shard)

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        """Return those records that are still this process's to work on."""
        return [m for m in messages if self._buffers.of_shard(m.record.shard).holds(m)]

    def add_results(self, results: Sequence[SendResult]) -> None:
        """Take results from a provider, each to its buffer."""
        by_buffer: dict[InFlightBuffer, list[SendResult]] = {}
        for result in results:
            buffer = self._buffers.of_shard(result.message.record.shard)
            by_buffer.setdefault(buffer, []).append(result)
        for buffer, group in by_buffer.items():
            buffer.add_results(group)

    def advance_to(self, partition: int, position: int) -> None:
        """Note that all records of `partition` below `position` have been looked at."""
        for buffer in self._buffers.all:
            buffer.advance_to(partition, position)

    def drain(self, shards: Collection[int], timeout: float) -> bool:
        """Give up what is not called yet of `shards`, and wait until the rest is recorded.

        False: `timeout` seconds were not enough for all of them.
        """
        give_up_at = time.monotonic() + timeout
        waiting = [
            (buffer, held)
            for buffer, held in self._buffers.holding(shards)
            if not buffer.drain(held, 0.0)
        ]
        drained = [
            buffer.drain(held, max(0.0, give_up_at - time.monotonic())) for buffer, held in waiting
        ]
        return all(drained)
