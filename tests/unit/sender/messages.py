"""Plain values for the tests of the sender."""

from campaign_common.domain.campaign import CampaignState, Delivery
from campaign_common.domain.limits.campaign_pace import CampaignPace
from campaign_common.domain.message import MessageKey
from campaign_common.domain.message_record import MessageRecord
from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.shards.claims import Place
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message

CAMPAIGN = 7
EPOCH = 3


def message(
    seq: int = 1,
    *,
    campaign_id: int = CAMPAIGN,
    shard: int = 0,
    partition: int = 0,
    offset: int | None = None,
    campaign_epoch: int = EPOCH,
    generation: int = 0,
    try_number: int = 1,
    attempts: int = 0,
    map_version: int = 1,
    undeliverable: str | None = None,
    claim_epoch: int = 1,
) -> Message:
    record = MessageRecord(
        wire_version=1,
        campaign_id=campaign_id,
        seq=seq,
        shard=shard,
        campaign_epoch=campaign_epoch,
        map_version=map_version,
        phone="13961467500",
        body="hi",
        generation=generation,
        try_number=try_number,
        attempts=attempts,
        undeliverable=undeliverable,
    )
    key = MessageKey(campaign_id, seq)
    at = seq if offset is None else offset
    return Message(record, key, partition, at, claim_epoch, provider="simulated")


def version(
    state: CampaignState = CampaignState.RUNNING,
    *,
    epoch: int = EPOCH,
    delivery: Delivery = Delivery.AT_LEAST_ONCE,
    expires_in: float | None = None,
    pace: CampaignPace | None = None,
) -> CampaignVersion:
    made = CampaignVersion(state, epoch, delivery, "simulated", expires_in)
    return made if pace is None else made._replace(pace=pace)


def partition_map(*, version: int = 1, partitions: int = 8) -> PartitionMap:
    return PartitionMap("Sync-Msg-T", "topic-id", version, partitions, MapState.ACTIVE)


def owned_shard(shard: int = 0, *, epoch: int = 1) -> OwnedShard:
    return OwnedShard(
        shard,
        epoch=epoch,
        owner_token=b"0123456789abcdef",
        transaction_number=1,
        place=Place("topic-id", shard, 1),
    )
