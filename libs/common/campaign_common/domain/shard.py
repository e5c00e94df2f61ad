"""The shard of a recipient, and the partition of a shard."""

from typing import NewType
from zlib import crc32

Shard = NewType("Shard", int)
"""A part of the ledger, from 0; recipients have it by their phone number."""

Partition = NewType("Partition", int)
"""A partition of the topic, which carries the records of some shards."""

Epoch = NewType("Epoch", int)
"""Rises with every takeover of a shard, and when a restored database takes it from its owner."""


def shard_of(phone: str, shards: int) -> int:
    """Return the shard of a phone number: CRC-32 (IEEE 802.3) of its digits, modulo `shards`.

    SQL says the same as `CRC32(phone) % shards`.
    """
    return crc32(phone.encode("ascii")) % shards


def partition_of(shard: int, partitions: int) -> Partition:
    """Return the partition that carries `shard` when the topic has `partitions`."""
    return Partition(shard % partitions)


def shards_on(partition: int, partitions: int, shards: int) -> list[Shard]:
    """List the shards, of `shards`, that `partition` carries."""
    return [Shard(n) for n in range(shards) if partition_of(n, partitions) == partition]
