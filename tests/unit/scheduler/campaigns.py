"""Values that the tests of this folder begin with."""

from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.store.campaigns.leases import Lease

PARTITIONS = 4
SHARDS = 8


def a_lease(**changes: object) -> Lease:
    values: dict[str, object] = {
        "campaign_id": 7,
        "epoch": 3,
        "lease_epoch": 5,
        "template": "hi {name}",
        "list_id": 1,
        "shards": SHARDS,
        "last_seq": 1_000,
        "total": 1_000,
        "published_seq": 0,
        "published_count": 0,
    }
    return Lease(**{**values, **changes})  # type: ignore[arg-type]


def a_map(**changes: object) -> PartitionMap:
    values: dict[str, object] = {
        "topic": "t",
        "topic_id": "first",
        "version": 2,
        "partitions": PARTITIONS,
        "state": MapState.DRAINING,
        "start_offsets": {},
    }
    return PartitionMap(**{**values, **changes})  # type: ignore[arg-type]
