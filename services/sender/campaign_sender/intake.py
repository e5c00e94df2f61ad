"""Intake: from fetched Kafka records to messages on the desk, in the order rules 5 and 6 need."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import Message as KafkaRecord

from campaign_common.claim import ClaimedMessage
from campaign_common.database import Database
from campaign_common.errors import CampaignError, RecordInvalid, RecordTooNew, TopicMissing
from campaign_common.message import LedgerEntry, MessageKey
from campaign_common.partition_map import PartitionMap
from campaign_common.store.campaigns import CampaignVersion, read_versions
from campaign_common.store.ledger import look_up
from campaign_common.store.partition_map import read_map
from campaign_common.store.shard_requests import to_be_erased
from campaign_common.store.suspects import note_suspects
from campaign_common.wire import decode
from campaign_sender.admission import (
    Admission,
    Sifted,
    admit_live,
    drop_erased,
    drop_void,
    part_doubtful,
    set_copies_aside,
    wanted_entries,
)
from campaign_sender.dead_letters import DeadLetters, Poison
from campaign_sender.desk import Desk, OwnedShard
from campaign_sender.lookout import Lookout, boot_time
from campaign_sender.message import Message
from campaign_sender.newer_records import NewerRecords
from campaign_sender.tracing import BatchTraces


class LookUp(NamedTuple):
    """What is read of the messages of a batch after they were fetched."""

    versions: dict[int, CampaignVersion]
    partition_map: PartitionMap
    entries: dict[MessageKey, LedgerEntry]
    erased: set[MessageKey]
    """Messages that this process is asked to cancel, and has not cancelled yet."""


class Intake:
    """Takes fetched records in; every step may be repeated after an outage."""

    def __init__(
        self,
        database: Database,
        topic: str,
        desk: Desk,
        lookout: Lookout,
        dead_letters: DeadLetters,
        newer: NewerRecords,
        traces: BatchTraces | None = None,
    ) -> None:
        self._database = database
        self._topic = topic
        self._desk = desk
        self._lookout = lookout
        self._dead_letters = dead_letters
        self._newer = newer
        self._traces = traces
        self._waiting: list[Message] = []
        """Begun and not admitted yet: new ones after an outage, and copies of held messages."""

    @property
    def waiting(self) -> int:
        """How many messages wait for the database or for a copy's outcome."""
        return len(self._waiting)

    def fetch_in(self, records: Sequence[KafkaRecord]) -> None:
        """Decode fetched records and note them as unfinished with the shards they belong to.

        What follows a record of a newer version in its partition is left, and so is that one.

        Raises:
            KafkaUnavailable: poison records could not be put away; nothing was taken in.
        """
        messages: list[Message] = []
        poison: list[Poison] = []
        positions: dict[int, int] = {}
        owned_shards = {owned.shard: owned for owned in self._desk.shards()}
        arrival = self._traces.arrival() if self._traces is not None else None
        for record in records:
            partition, offset = record.partition(), record.offset()
            if partition is None or offset is None or self._newer.holds(partition, offset):
                continue
            try:
                decoded = decode(_value_of(record))
            except (RecordInvalid, RecordTooNew) as error:
                if _is_ahead(owned_shards, partition, offset):
                    if self._waits_at(partition, offset, error):
                        positions[partition] = offset
                        continue
                    poison.append(Poison(record, str(error)))
                positions[partition] = offset + 1
                continue
            positions[partition] = offset + 1
            owned = owned_shards.get(decoded.shard)
            if owned is None or owned.place.partition != partition:
                continue
            if offset >= owned.offsets.position:
                key = MessageKey(decoded.campaign_id, decoded.seq)
                messages.append(Message(decoded, key, partition, offset, owned.epoch, arrival))
        if poison:
            self._dead_letters.publish(poison)
        self._begin(messages, owned_shards)
        self._move_to(positions)
        if self._traces is not None:
            self._traces.fetched(records, positions)

    def admit(self) -> None:
        """Decide what becomes of the messages that wait, and put them on the desk.

        Raises:
            RetryLater: the database did not answer; everything waits on.
        """
        with self._desk.admitting:
            self._admit()

    def _waits_at(self, partition: int, offset: int, error: CampaignError) -> bool:
        return isinstance(error, RecordTooNew) and self._newer.wait_at(
            partition, offset, error.version
        )

    def _admit(self) -> None:
        waiting = [m for m in self._waiting if self._still_owned(m)]
        self._waiting = waiting
        held = self._desk.held_of([m.key for m in waiting])
        fresh, copies = set_copies_aside(waiting, held)
        if not fresh:
            return
        began_at = boot_time()
        wanted = wanted_entries(fresh)
        versions, partition_map, entries, erased = self._read(wanted)
        self._lookout.learn(versions, began_at)
        unknown, suspects = part_doubtful(self._doubtful(fresh), versions, entries)
        self._note_suspects(suspects)
        if unknown:
            ended = {result.message.key for result in unknown}
            fresh = [m for m in fresh if m.key not in ended]
        fresh, withdrawn = drop_erased(fresh, erased) if erased else Sifted(fresh, [])
        kept, void = drop_void(fresh, versions, partition_map)
        admission: Admission = admit_live(kept, entries)
        dropped = withdrawn + void + admission.dropped
        if self._traces is not None:
            streams = ((partition_map.partition(shard), campaign) for shard, campaign in wanted)
            self._traces.admitted(streams, versions)
        self._desk.admit(admission.to_send, admission.decided + unknown, dropped)
        self._waiting = copies

    def _doubtful(self, messages: Sequence[Message]) -> list[Message]:
        """Find what may have been called before the database lost commits; mostly nothing."""
        below = {owned.shard: owned.in_doubt_below for owned in self._desk.shards()}
        if not any(below.values()):
            return []
        return [m for m in messages if m.offset < below.get(m.record.shard, 0)]

    def _note_suspects(self, suspects: Sequence[Message]) -> None:
        by_shard: dict[int, list[ClaimedMessage]] = defaultdict(list)
        for message in suspects:
            by_shard[message.record.shard].append(message.as_claimed())
        if by_shard:
            with self._database.transaction() as cursor:
                for shard, claimed in sorted(by_shard.items()):
                    note_suspects(cursor, shard, claimed)

    def _begin(self, messages: Sequence[Message], owned: dict[int, OwnedShard]) -> None:
        offsets: dict[int, list[int]] = defaultdict(list)
        for message in messages:
            offsets[message.record.shard].append(message.offset)
        for shard, shard_offsets in offsets.items():
            self._desk.begin(owned[shard], shard_offsets)
        self._waiting.extend(messages)

    def _move_to(self, positions: Mapping[int, int]) -> None:
        for partition, position in positions.items():
            self._desk.move_to(partition, position)

    def _still_owned(self, message: Message) -> bool:
        owned = self._desk.owned(message.record.shard)
        return owned is not None and owned.epoch == message.epoch

    def _read(self, wanted: Mapping[tuple[int, int], Sequence[int]]) -> LookUp:
        with self._database.reading() as cursor:
            versions = read_versions(cursor, {campaign_id for _, campaign_id in wanted})
            partition_map = read_map(cursor, self._topic)
            erased = to_be_erased(cursor, {shard for shard, _ in wanted})
            entries = look_up(cursor, wanted)
        if partition_map is None:
            raise TopicMissing(f"the partition map of {self._topic} is gone")
        return LookUp(versions, partition_map, entries, erased)


def _value_of(record: KafkaRecord) -> bytes | None:
    value = record.value()
    return value.encode() if isinstance(value, str) else value


def _is_ahead(owned: dict[int, OwnedShard], partition: int, offset: int) -> bool:
    """Tell whether a record is new to the shards of its partition, not read a second time."""
    return any(
        o.place.partition == partition and offset >= o.offsets.position for o in owned.values()
    )
