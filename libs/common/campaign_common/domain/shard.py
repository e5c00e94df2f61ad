"""The shard of a recipient, and the partition of a shard."""

from zlib import crc32

from campaign_common.domain.ids import Partition, Shard


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
