"""Shard groups: the shards of one database server, and the parts of a sender that work for them.

Each group has its own in-flight buffer, guard, admitter, recorder and threads, so that a server
that is down stops its own shards and no others: messages that wait for it take no capacity from
the others.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from operator import attrgetter

from campaign_common.database import ShardServer
from campaign_common.database.by_server import ByServer
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.concurrency import SenderShards
from campaign_common.domain.shard import Partition, Shard
from campaign_common.errors import DatabaseTimeout
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.send_view import FRESH_FOR
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission.batch_admitter import BatchAdmitter
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.recording.recorder import Recorder
from campaign_sender.recording.shard_commands import ShardCommands

shard_of_message = attrgetter("record.shard")
shard_of_result = attrgetter("message.record.shard")


@dataclass(frozen=True, eq=False)
class ShardGroup:
    """Parts of a sender that work for the shards of one database server."""

    server: ShardServer
    buffer: InFlightBuffer
    guard: SendGuard
    admitter: BatchAdmitter
    recorder: Recorder
    commands: ShardCommands

    @property
    def reachable(self) -> bool:
        """Return whether its server answers; the main one counts always, as all depends on it."""
        return self.server.is_main or self.guard.reachable


def require_fresh_views(groups: Sequence[ShardGroup]) -> None:
    """Check that the view of each server is read in time.

    A server that is down is not reported here, but by the check of the database.

    Raises:
        DatabaseTimeout: no read of one server ends in time, so its shards send nothing.
    """
    for group in groups:
        if group.guard.is_too_slow:
            raise DatabaseTimeout(
                f"{group.server.own.name}: a read of the database takes"
                f" {group.guard.read_seconds:.1f} s,"
                f" and nothing is sent on a view that is older than {FRESH_FOR:g} s"
            )


class ShardGroups:
    """All shard groups of a sender as one: shards and messages find their group."""

    def __init__(self, by_server: ByServer[ShardGroup]) -> None:
        self._by_server = by_server
        self.all = by_server.all
        """The groups, that of the main server first."""

    @property
    def main(self) -> ShardGroup:
        """The group of the main server."""
        return self._by_server.main

    @property
    def remote_shards(self) -> Collection[int]:
        """The shards that live on other servers than the main one."""
        return self._by_server.remote_shards

    def of_shard(self, shard: int) -> ShardGroup:
        """Return the group of the server that holds `shard`."""
        return self._by_server.of_shard(shard)

    @property
    def alive(self) -> bool:
        """Return whether every recorder runs."""
        return all(group.recorder.alive for group in self.all)

    # --- shards ---------------------------------------------------------------------------

    @property
    def max_span(self) -> int:
        """Distance of position and committable offset of a shard beyond which no fetch begins."""
        return self.main.buffer.max_span

    def owned(self, shard: int) -> OwnedShard | None:
        """Return the shard if this process owns it."""
        return self.of_shard(shard).buffer.owned(shard)

    def shards(self) -> list[OwnedShard]:
        """Return the owned shards, in the order of their numbers."""
        owned = [one for group in self.all for one in group.buffer.shards()]
        return sorted(owned, key=lambda one: one.shard)

    def shards_on(self, partitions: Collection[Partition]) -> set[Shard]:
        """Return the owned shards that these partitions carry."""
        return {owned.shard for owned in self.shards() if owned.place.partition in partitions}

    def share(self) -> float:
        """Return the part of all shards that this process owns, from 0 to 1."""
        existing = set().union(*(group.guard.existing_shards for group in self.all))
        return len(self.shards()) / len(existing) if existing else 0.0

    def sender_shards(self, name: str) -> SenderShards:
        """Return how many shards each sender owned at the last reads, for the one of this name."""
        counts = Counter(
            owner
            for group in self.all
            for n, owner in group.guard.owner_names.items()
            if self.of_shard(n) is group
        )
        return SenderShards.of(counts, name)

    def add_shard(self, owned: OwnedShard) -> None:
        """Add a shard that was taken over, between two transactions of its recorder."""
        with self.between_transactions([owned.shard]):
            self.of_shard(owned.shard).buffer.add_shard(owned)

    def drop_shards(self, shards: Iterable[Shard]) -> None:
        """Drop these shards and their messages, between two transactions of their recorders."""
        dropped = [owned for shard in shards if (owned := self.owned(shard)) is not None]
        with self.between_transactions(owned.shard for owned in dropped):
            for owned in dropped:
                self.of_shard(owned.shard).buffer.drop_shard(owned)

    def advance_to(self, positions: Mapping[int, int]) -> None:
        """Advance the shards of each partition: all records below its position were decoded."""
        for partition, position in positions.items():
            for group in self.all:
                group.buffer.advance_to(partition, position)

    def drain(self, shards: Collection[Shard], timeout: float) -> bool:
        """Abandon unsent messages of `shards`, and wait until all others are recorded.

        False: `timeout` seconds were not enough for all of them.
        """
        give_up_at = time.monotonic() + timeout
        waiting = [
            (group.buffer, held)
            for group, held in self._by_server.holding(shards)
            if not group.buffer.drain(held, 0.0)
        ]
        drained = [
            buffer.drain(held, max(0.0, give_up_at - time.monotonic())) for buffer, held in waiting
        ]
        return all(drained)

    @contextmanager
    def between_transactions(self, shards: Iterable[Shard]) -> Iterator[None]:
        """Hold the recorders of some shards, and no others, between two transactions."""
        with ExitStack() as stack:
            for group, _ in self._by_server.holding(shards):
                stack.enter_context(group.recorder.between_transactions())
            yield

    def take_fenced(self) -> set[Shard]:
        """Return the shards that recorders found under another owner since the last request."""
        return {Shard(n) for group in self.all for n in group.recorder.take_fenced()}

    # --- messages -------------------------------------------------------------------------

    def enqueue(self, messages: Sequence[Message], owned: Mapping[int, OwnedShard]) -> None:
        """Enqueue fetched messages for admission, tracked as unfinished."""
        for group, part in self._by_server.split(messages, shard_of_message):
            group.admitter.enqueue(part, owned)

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        """Return those messages that are still held by this process."""
        held: list[Message] = []
        for group, part in self._by_server.split(messages, shard_of_message):
            held += group.buffer.still_held(part)
        return held

    def add_results(self, results: Sequence[SendResult[Message]]) -> None:
        """Add results of a provider, each to its buffer."""
        for group, part in self._by_server.split(results, shard_of_result):
            group.buffer.add_results(part)

    # --- views of the database ------------------------------------------------------------

    @property
    def map_version(self) -> int:
        """Version of the partition map as last read."""
        return self.main.guard.map_version

    @property
    def existing_shards(self) -> frozenset[Shard]:
        """All shards that existed at the last reads, of any owner."""
        return frozenset(
            Shard(n)
            for group in self.all
            for n in group.guard.existing_shards
            if self.of_shard(n) is group
        )

    @property
    def lost_shards(self) -> set[Shard]:
        """Shards of this process that the last reads found under another owner."""
        return {Shard(n) for group in self.all for n in group.guard.lost_shards}

    def version_of(self, campaign_id: CampaignId) -> CampaignVersion | None:
        """Return a campaign as last read; None when none of its messages are held."""
        for group in self.all:
            version = group.guard.version_of(campaign_id)
            if version is not None:
                return version
        return None

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages immediately before they are sent; None: this one may be sent."""
        parts = self._by_server.split(messages, shard_of_message)
        if len(parts) == 1:
            ((group, part),) = parts
            return group.guard.check_before_send(part)
        found = {
            message: status
            for group, part in parts
            for message, status in zip(part, group.guard.check_before_send(part), strict=True)
        }
        return [found[message] for message in messages]

    def refresh_guards(self, shards: Iterable[Shard]) -> None:
        """Refresh the views of the servers that hold these shards.

        Raises:
            RetryLater: one of them, or the main one, is down.
        """
        for group, _ in self._by_server.holding(shards):
            group.guard.refresh()
