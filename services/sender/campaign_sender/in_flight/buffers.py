"""In-flight buffers of all shard groups.

Each database server has a buffer of its own, so that messages that wait for a server that is down
take no capacity from the others.
"""

import time
from collections.abc import Collection, Sequence

from campaign_common.database.by_server import ByServer
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.providers.contract import SendResult


class InFlightBuffers:
    """All in-flight buffers of a sender as one: shards and messages find their buffer."""

    def __init__(self, buffers: ByServer[InFlightBuffer]) -> None:
        self._buffers = buffers

    @property
    def max_span(self) -> int:
        """Distance of position and committable offset of a shard beyond which no fetch begins."""
        return self._buffers.main.max_span

    def owned(self, shard: int) -> OwnedShard | None:
        """Return the shard if this process owns it."""
        return self._buffers.of_shard(shard).owned(shard)

    def shards(self) -> list[OwnedShard]:
        """Return the owned shards, in the order of their numbers."""
        owned = [one for buffer in self._buffers.all for one in buffer.shards()]
        return sorted(owned, key=lambda one: one.shard)

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        """Return those messages that are still held by this process."""
        return [m for m in messages if self._buffers.of_shard(m.record.shard).holds(m)]

    def add_results(self, results: Sequence[SendResult]) -> None:
        """Add results of a provider, each to its buffer."""
        by_buffer: dict[InFlightBuffer, list[SendResult]] = {}
        for result in results:
            buffer = self._buffers.of_shard(result.message.record.shard)
            by_buffer.setdefault(buffer, []).append(result)
        for buffer, group in by_buffer.items():
            buffer.add_results(group)

    def advance_to(self, partition: int, position: int) -> None:
        """Advance the shards of a partition: all records below `position` were decoded."""
        for buffer in self._buffers.all:
            buffer.advance_to(partition, position)

    def drain(self, shards: Collection[int], timeout: float) -> bool:
        """Abandon unsent messages of `shards`, and wait until all others are recorded.

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
