"""Decoding of fetched Kafka records into messages."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Message as KafkaRecord

from campaign_common.domain.message import MessageKey
from campaign_common.domain.message_record import decode
from campaign_common.errors import CampaignError, RecordInvalid, RecordTooNew
from campaign_sender.consuming.dead_letters import DeadLetterPublisher, InvalidRecord
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.ownership.blocked_partitions import BlockedPartitions
from campaign_sender.ownership.shard_groups import ShardGroups
from campaign_sender.tracing import BatchTraces


class RecordDecoder:
    """Decoder of records, which hands each message to the admitter of its shard's group."""

    def __init__(
        self,
        groups: ShardGroups,
        dead_letters: DeadLetterPublisher,
        blocked: BlockedPartitions,
        traces: BatchTraces | None = None,
    ) -> None:
        self._groups = groups
        self._dead_letters = dead_letters
        self._blocked = blocked
        self._traces = traces

    def decode_and_enqueue(self, records: Sequence[KafkaRecord]) -> None:
        """Decode fetched records, and track them as unfinished with the shards they belong to.

        A record of a newer wire version, and all that follow it in its partition, are left out.

        Raises:
            KafkaUnavailable: invalid records could not be dead-lettered; nothing was enqueued.
        """
        messages: list[Message] = []
        invalid: list[InvalidRecord] = []
        positions: dict[int, int] = {}
        owned_shards: dict[int, OwnedShard] = {
            owned.shard: owned for owned in self._groups.shards()
        }
        arrival = self._traces.arrival() if self._traces is not None else None
        for record in records:
            partition, offset = record.partition(), record.offset()
            if partition is None or offset is None or self._blocked.blocks(partition, offset):
                continue
            try:
                decoded = decode(record.value())
            except (RecordInvalid, RecordTooNew) as error:
                if _is_ahead(owned_shards, partition, offset):
                    if self._block_at(partition, offset, error):
                        positions[partition] = offset
                        continue
                    invalid.append(InvalidRecord(record, str(error)))
                positions[partition] = offset + 1
                continue
            positions[partition] = offset + 1
            owned = owned_shards.get(decoded.shard)
            if owned is None or owned.place.partition != partition:
                continue
            if offset >= owned.offsets.position:
                key = MessageKey(decoded.campaign_id, decoded.seq)
                messages.append(Message(decoded, key, partition, offset, owned.epoch, arrival))
        if invalid:
            self._dead_letters.publish(invalid)
        self._groups.enqueue(messages, owned_shards)
        self._groups.advance_to(positions)
        if self._traces is not None:
            self._traces.fetched(records, positions)

    def _block_at(self, partition: int, offset: int, error: CampaignError) -> bool:
        return isinstance(error, RecordTooNew) and self._blocked.block_at(
            partition, offset, error.version
        )


def _is_ahead(owned: Mapping[int, OwnedShard], partition: int, offset: int) -> bool:
    """Return whether a record is new to the shards of its partition, not fetched a second time."""
    return any(
        o.place.partition == partition and offset >= o.offsets.position for o in owned.values()
    )
