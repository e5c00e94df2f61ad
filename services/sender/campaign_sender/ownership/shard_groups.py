"""Lanes: what works for the shards of one database server, and all of a sender's side by side.

A lane has its own buffer, lookout, recorder, intake and threads, so that a server that is away
stops its own shards and no others.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from campaign_common.database import Cursor, Proof, ShardServer
from campaign_common.errors import DatabaseTimeout, DatabaseUnavailable, LeaseLost
from campaign_common.partition_map import PartitionMap
from campaign_common.per_server import PerServer
from campaign_common.schema.placement import contradictions
from campaign_common.store.claims import ClaimRow, read_claims
from campaign_common.store.partition_map import read_map
from campaign_common.store.shard_homes import read_homes
from campaign_common.store.view import FRESH_FOR
from campaign_sender.admission.batch_admitter import Intake
from campaign_sender.delivery.send_guard import Lookout
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.buffers import InFlightBuffers
from campaign_sender.ownership.takeover import TakenOver, take_over
from campaign_sender.recording.recorder import Recorder
from campaign_sender.recording.shard_commands import Requests


class Lane(NamedTuple):
    """What works for the shards of one server."""

    server: ShardServer
    buffer: InFlightBuffer
    lookout: Lookout
    intake: Intake
    recorder: Recorder
    requests: Requests

    @property
    def in_sight(self) -> bool:
        """Tell whether its server answers; the main one is waited for, as nothing goes without."""
        return self.server.is_main or self.lookout.in_sight


def require_views(lanes: Sequence[Lane]) -> None:
    """Do nothing where looks at the servers end in time.

    A server that is away is not named here: the check of the database does.

    Raises:
        DatabaseTimeout: at one of them none does, so that nothing is sent for its shards.
    """
    for lane in lanes:
        if lane.lookout.is_too_slow:
            raise DatabaseTimeout(
                f"{lane.server.own.name}: a look at the database takes {lane.lookout.took:.1f} s,"
                f" and nothing is sent on a view that is older than {FRESH_FOR:g} s"
            )


class Lanes:
    """The lanes of a sender, for whoever follows partitions and shards over all of them.

    `place` is where in `all` of `per_server` a lane stands; 0 is the main server's.
    """

    def __init__(self, per_server: PerServer[Lane]) -> None:
        self._per_server = per_server
        self.all = per_server.all
        self.buffers = InFlightBuffers(per_server.each(lambda lane: lane.buffer))

    @property
    def intakes(self) -> PerServer[Intake]:
        """The admitters, by server."""
        return self._per_server.each(lambda lane: lane.intake)

    def of_shard(self, shard: int) -> Lane:
        """Return the lane of the server that holds `shard`."""
        return self._per_server.of_shard(shard)

    def place_of(self, shard: int) -> int:
        """Return the place of the server that holds `shard`."""
        return self._per_server.holders.get(shard, 0)

    @property
    def map_version(self) -> int:
        """The version of the partition map as last read."""
        return self._per_server.main.lookout.map_version

    @property
    def present_shards(self) -> frozenset[int]:
        """All shards that there were at the last looks, of whomever."""
        return frozenset(
            shard
            for lane in self.all
            for shard in lane.lookout.present_shards
            if self.of_shard(shard) is lane
        )

    @property
    def lost_shards(self) -> set[int]:
        """Shards of this process that were last seen under another owner."""
        return {shard for lane in self.all for shard in lane.lookout.lost_shards}

    @property
    def alive(self) -> bool:
        """Tell whether every recorder runs."""
        return all(lane.recorder.alive for lane in self.all)

    def take_fenced(self) -> set[int]:
        """Return the shards that recorders have found under another owner since the last call."""
        return {shard for lane in self.all for shard in lane.recorder.take_fenced()}

    @contextmanager
    def between_transactions(self, shards: Iterable[int]) -> Iterator[None]:
        """Hold the recorders of these shards between two transactions, and no others."""
        with ExitStack() as stack:
            for lane, _ in self._per_server.holding(shards):
                stack.enter_context(lane.recorder.between_transactions())
            yield

    def read_map(self, topic: str) -> PartitionMap | None:
        """Read the partition map.

        Raises:
            RetryLater: the main server is away.
        """
        with self._per_server.main.server.own.reading(proof=Proof.NOW) as cursor:
            return read_map(cursor, topic)

    def read_claims(self, partition_map: PartitionMap, partition: int) -> dict[int, ClaimRow]:
        """Read the claim rows of the shards that a partition carries.

        Raises:
            RetryLater: a server is away that holds one of them.
        """
        holders = self._per_server.holders
        places = {holders[n] for n in holders if partition_map.partition(n) == partition}
        claims: dict[int, ClaimRow] = {}
        for place in sorted({0, *places}):
            lane = self.all[place]
            if not lane.in_sight:
                raise DatabaseUnavailable(f"{lane.server.own.name} has not answered lately")
            with lane.server.own.reading(proof=Proof.NOW) as cursor:
                found = read_claims(cursor)
            claims |= {
                shard: row
                for shard, row in found.items()
                # A shard that was moved may have left its old row behind.
                if self.place_of(shard) == place and partition_map.partition(shard) == partition
            }
        return dict(sorted(claims.items()))

    def take_over(
        self, shard: int, partition_map: PartitionMap, *, owner_token: bytes, owner_name: str
    ) -> TakenOver:
        """Make `owner_token` the owner of a shard, on the server that holds it.

        Raises:
            RetryLater: that server, or the main one, is away.
            LeaseLost: the claim row belongs to a newer partition map than the caller's, or the
                shard was moved to another server since this process started.
        """
        self._require_unmoved(shard)
        server = self.of_shard(shard).server

        def claim(own: Cursor) -> TakenOver:
            with server.beside(own) as cursors:
                return take_over(
                    cursors, shard, partition_map, owner_token=owner_token, owner_name=owner_name
                )

        return server.own.run(claim)

    def _require_unmoved(self, shard: int) -> None:
        server = self.of_shard(shard).server
        here = {} if server.is_main else {shard: server.own.name}
        with self._per_server.main.server.own.reading(proof=Proof.NOW) as cursor:
            noted = read_homes(cursor)
        for said in contradictions(noted, here, [shard]):
            raise LeaseLost(said)

    def look(self, shards: Iterable[int]) -> None:
        """Read everything once about the servers that hold these shards.

        Raises:
            RetryLater: one of them, or the main one, is away.
        """
        for lane, _ in self._per_server.holding(shards):
            lane.lookout.look()
