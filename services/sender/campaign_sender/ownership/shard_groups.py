"""Shard groups: the shards of one database server, and the parts of a sender that work for them.

Each group has its own in-flight buffer, guard, admitter, recorder and threads, so that a server
that is down stops its own shards and no others.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from campaign_common.database import Cursor, Proof, ShardServer
from campaign_common.database.by_server import ByServer
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.errors import DatabaseTimeout, DatabaseUnavailable, LeaseLost
from campaign_common.schema.placement import contradictions
from campaign_common.store.messages.send_view import FRESH_FOR
from campaign_common.store.shards.claims import ClaimRow, read_claims
from campaign_common.store.shards.partition_map import read_map
from campaign_common.store.shards.shard_placements import read_homes
from campaign_sender.admission.batch_admitter import BatchAdmitter
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.buffers import InFlightBuffers
from campaign_sender.ownership.takeover import Takeover, take_over
from campaign_sender.recording.recorder import Recorder
from campaign_sender.recording.shard_commands import ShardCommands


class ShardGroup(NamedTuple):
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
    """All shard groups of a sender, and the way from a shard to its group.

    A group's index is its position in `all`; the main server's group has index 0.
    """

    def __init__(self, by_server: ByServer[ShardGroup]) -> None:
        self._by_server = by_server
        self.all = by_server.all
        self.buffers = InFlightBuffers(by_server.each(lambda group: group.buffer))

    @property
    def admitters(self) -> ByServer[BatchAdmitter]:
        """The admitters, by server."""
        return self._by_server.each(lambda group: group.admitter)

    def of_shard(self, shard: int) -> ShardGroup:
        """Return the group of the server that holds `shard`."""
        return self._by_server.of_shard(shard)

    def index_of(self, shard: int) -> int:
        """Return the index of the group that holds `shard`."""
        return self._by_server.server_of_shard.get(shard, 0)

    @property
    def map_version(self) -> int:
        """Version of the partition map as last read."""
        return self._by_server.main.guard.map_version

    @property
    def existing_shards(self) -> frozenset[int]:
        """All shards that existed at the last reads, of any owner."""
        return frozenset(
            shard
            for group in self.all
            for shard in group.guard.existing_shards
            if self.of_shard(shard) is group
        )

    @property
    def lost_shards(self) -> set[int]:
        """Shards of this process that the last reads found under another owner."""
        return {shard for group in self.all for shard in group.guard.lost_shards}

    @property
    def alive(self) -> bool:
        """Return whether every recorder runs."""
        return all(group.recorder.alive for group in self.all)

    def take_fenced(self) -> set[int]:
        """Return the shards that recorders found under another owner since the last request."""
        return {shard for group in self.all for shard in group.recorder.take_fenced()}

    @contextmanager
    def between_transactions(self, shards: Iterable[int]) -> Iterator[None]:
        """Hold the recorders of the given shards only between two transactions."""
        with ExitStack() as stack:
            for group, _ in self._by_server.holding(shards):
                stack.enter_context(group.recorder.between_transactions())
            yield

    def read_map(self, topic: str) -> PartitionMap | None:
        """Read the partition map.

        Raises:
            RetryLater: the main server is down.
        """
        with self._by_server.main.server.own.reading(proof=Proof.NOW) as cursor:
            return read_map(cursor, topic)

    def read_claims(self, partition_map: PartitionMap, partition: int) -> dict[int, ClaimRow]:
        """Read the claim rows of the shards that a partition carries.

        Raises:
            RetryLater: a server that holds one of them is down.
        """
        holders = self._by_server.server_of_shard
        indexes = {holders[n] for n in holders if partition_map.partition(n) == partition}
        claims: dict[int, ClaimRow] = {}
        for index in sorted({0, *indexes}):
            group = self.all[index]
            if not group.reachable:
                raise DatabaseUnavailable(f"{group.server.own.name} has not responded recently")
            with group.server.own.reading(proof=Proof.NOW) as cursor:
                found = read_claims(cursor)
            claims |= {
                shard: row
                for shard, row in found.items()
                # A moved shard may have left its old row behind.
                if self.index_of(shard) == index and partition_map.partition(shard) == partition
            }
        return dict(sorted(claims.items()))

    def take_over(
        self, shard: int, partition_map: PartitionMap, *, owner_token: bytes, owner_name: str
    ) -> Takeover:
        """Make `owner_token` the owner of a shard, on the server that holds it.

        Raises:
            RetryLater: that server, or the main one, is down.
            LeaseLost: the claim row belongs to a newer partition map than the caller's, or the
                shard has been moved to another server since this process started.
        """
        self._require_unmoved(shard)
        server = self.of_shard(shard).server

        def claim(own: Cursor) -> Takeover:
            with server.beside(own) as cursors:
                return take_over(
                    cursors, shard, partition_map, owner_token=owner_token, owner_name=owner_name
                )

        return server.own.run(claim)

    def _require_unmoved(self, shard: int) -> None:
        server = self.of_shard(shard).server
        here = {} if server.is_main else {shard: server.own.name}
        with self._by_server.main.server.own.reading(proof=Proof.NOW) as cursor:
            noted = read_homes(cursor)
        for said in contradictions(noted, here, [shard]):
            raise LeaseLost(said)

    def refresh_guards(self, shards: Iterable[int]) -> None:
        """Refresh the views of the servers that hold these shards.

        Raises:
            RetryLater: one of them, or the main one, is down.
        """
        for group, _ in self._by_server.holding(shards):
            group.guard.refresh()
