"""Shard claims: the claim rows of a topic's shards, each on the server that holds the shard."""

import secrets

from campaign_common.database import Cursor, Proof
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.shard import Partition, Shard
from campaign_common.errors import DatabaseUnavailable, LeaseLost
from campaign_common.schema.placement import contradictions
from campaign_common.store.shards.claims import ClaimRow, read_claims
from campaign_common.store.shards.partition_map import read_map
from campaign_common.store.shards.shard_placements import read_placements
from campaign_sender.ownership.shard_groups import ShardGroups
from campaign_sender.ownership.takeover import Takeover, take_over


class ShardClaims:
    """Claims, read and taken in the name of one process."""

    def __init__(self, groups: ShardGroups, topic: str, owner_name: str) -> None:
        self._groups = groups
        self._topic = topic
        self._owner_name = owner_name

    def read_map(self) -> PartitionMap:
        """Read the partition map.

        Raises:
            RetryLater: the main server is down.
            LeaseLost: there is no map yet.
        """
        with self._groups.main.server.own.reading(proof=Proof.NOW) as cursor:
            partition_map = read_map(cursor, self._topic)
        if partition_map is None:
            raise LeaseLost("the topic has no partition map yet; campaign-topics create makes it")
        return partition_map

    def of_partition(
        self, partition_map: PartitionMap, partition: Partition
    ) -> dict[Shard, ClaimRow]:
        """Read the claim rows of the shards that a partition carries.

        Raises:
            RetryLater: a server that holds one of them is down.
        """
        groups = self._groups
        remote = [n for n in groups.remote_shards if partition_map.partition(n) == partition]
        holding = {groups.main, *map(groups.of_shard, remote)}
        claims: dict[Shard, ClaimRow] = {}
        for group in groups.all:
            if group not in holding:
                continue
            if not group.reachable:
                raise DatabaseUnavailable(f"{group.server.own.name} has not responded recently")
            with group.server.own.reading(proof=Proof.NOW) as cursor:
                found = read_claims(cursor)
            claims |= {
                shard: row
                for shard, row in found.items()
                # A moved shard may have left its old row behind.
                if groups.of_shard(shard) is group and partition_map.partition(shard) == partition
            }
        return dict(sorted(claims.items()))

    def take_over(self, shard: Shard, partition_map: PartitionMap) -> Takeover:
        """Make this process the owner of a shard, under a token of its own.

        Raises:
            RetryLater: the server that holds the shard, or the main one, is down.
            LeaseLost: the claim row belongs to a newer partition map than the caller's, or the
                shard has been moved to another server since this process started.
        """
        self._require_unmoved(shard)
        server = self._groups.of_shard(shard).server
        token = secrets.token_bytes(16)

        def claim(own: Cursor) -> Takeover:
            with server.beside(own) as cursors:
                return take_over(
                    cursors, shard, partition_map, owner_token=token, owner_name=self._owner_name
                )

        return server.own.run(claim)

    def _require_unmoved(self, shard: Shard) -> None:
        server = self._groups.of_shard(shard).server
        here: dict[int, str] = {} if server.is_main else {shard: server.own.name}
        with self._groups.main.server.own.reading(proof=Proof.NOW) as cursor:
            noted = read_placements(cursor)
        for said in contradictions(noted, here, [shard]):
            raise LeaseLost(said)
