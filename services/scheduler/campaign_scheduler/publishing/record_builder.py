"""Builder of the records that carry messages to the senders."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from campaign_common.domain.content.campaign_content import CompiledContent, Rendered
from campaign_common.domain.content.unsubscribe_link import UNSUBSCRIBE_URL, MakeLink
from campaign_common.domain.message_record import (
    ERASED,
    LARGEST_RECORD,
    TEXT_VERSION,
    MessageRecord,
    decode,
    encode,
)
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.recipient import NAME, PHONE
from campaign_common.domain.shard import shard_of
from campaign_common.store.campaigns.fanout import RecipientRow
from campaign_common.store.campaigns.leases import Lease
from campaign_scheduler.publishing.publisher import OutgoingRecord, RecordsByPartition

MAX_CHUNK_BYTES = 16 * 1024 * 1024
"""Bytes of records after which a chunk ends, which bounds the memory of long messages."""

MAX_REPUBLICATIONS = 5
"""Times that the watchdog publishes a campaign again before its lost messages fail."""

TOO_LARGE = "message is too large"
NOT_RENDERED = "template does not render"
LOST_AGAIN = "lost again and again"
RECIPIENT_GONE = "recipient is gone"

_RENDER_ERRORS = (ValueError, TypeError, LookupError)

_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode


class TryNumbers(NamedTuple):
    """The numbers that tell the publications of one message apart (protocol rule 1)."""

    generation: int
    try_number: int
    attempts: int


FIRST_TRY = TryNumbers(generation=0, try_number=1, attempts=0)

EMPTY_TEXT = Rendered("")
"""The content of an undeliverable message."""

NONE_ERASED: Mapping[int, int] = MappingProxyType({})

PartitionedRecord = tuple[int, OutgoingRecord]
"""A record, after the partition that it goes to."""


class RecordChunk(NamedTuple):
    """The records of consecutive recipients, and how many recipients they cover up to which seq."""

    groups: RecordsByPartition
    recipients: int
    last_seq: int

    @property
    def counts(self) -> dict[int, int]:
        """Number of records for each partition."""
        return {partition: len(group) for partition, group in self.groups.items()}


class RecordBuilder:
    """Builder of the records of one campaign under one partition map.

    This is done for every message, so what is the same for the whole campaign is looked up once,
    in the constructor.
    """

    def __init__(
        self,
        lease: Lease,
        content: CompiledContent,
        partition_map: PartitionMap,
        link: MakeLink | None = None,
    ) -> None:
        """Build records of messages, which have a `link` to unsubscribe unless it is None."""
        self._campaign_id = lease.campaign_id
        self._epoch = lease.epoch
        self._shards = lease.shards
        self._is_given_up = lease.republications >= MAX_REPUBLICATIONS
        self._render = content.render
        self._text = content.text
        self._link = link
        others = {NAME, PHONE} if link is None else {NAME, PHONE, UNSUBSCRIBE_URL}
        self._needs_attributes = bool(content.placeholders - others)
        self._originator = lease.campaign_content.originator
        self._wire_version = lease.campaign_content.wire_version
        self._map_version = partition_map.version
        self._partitions = [partition_map.partition(shard) for shard in range(lease.shards)]

    def build_chunk(
        self,
        rows: Sequence[RecipientRow],
        recorded: Collection[int],
        refused: Collection[int],
        erased: Mapping[int, int] = NONE_ERASED,
    ) -> RecordChunk:
        """Build the records of `rows`, in order, until the chunk is full.

        Args:
            rows: recipients in the order of their sequence numbers.
            recorded: sequence numbers to skip; they have an outcome, or wait for a retry.
            refused: those whose record the broker refused for its size; their record carries
                a reason instead of a body.
            erased: those whose recipient was erased, with the checksum that their shard follows
                from; their record carries a reason as well.
        """
        exceptions = {*refused, *erased}
        groups: RecordsByPartition = defaultdict(list)
        recipients = size = last_seq = 0
        for row in rows:
            last_seq = row[0]
            recipients += 1
            if last_seq in recorded:
                continue
            added = 0 if last_seq in exceptions else self._add_ordinary(row, groups)
            size += added or self._add_exception(row, groups, refused, erased)
            if size >= MAX_CHUNK_BYTES:
                break
        return RecordChunk(groups, recipients, last_seq)

    def build(
        self, row: RecipientRow, numbers: TryNumbers = FIRST_TRY, undeliverable: str | None = None
    ) -> PartitionedRecord:
        """Build one record; an undeliverable message carries a reason instead of a body."""
        seq, phone, name, attributes = row
        rendered = EMPTY_TEXT
        if undeliverable is None:
            try:
                rendered = self._render(name, phone, self._values(seq, attributes))
            except _RENDER_ERRORS:
                undeliverable = NOT_RENDERED
        shard = shard_of(phone, self._shards)
        built = self._record(seq, shard, numbers, phone, rendered, undeliverable)
        if len(built[1]["value"]) > LARGEST_RECORD:
            return self.build(row, numbers, TOO_LARGE)
        return built

    def build_for_missing_recipient(
        self, seq: int, shard: int, numbers: TryNumbers, reason: str
    ) -> PartitionedRecord:
        """Build the record of a message whose recipient was erased or deleted."""
        return self._record(seq, shard, numbers, "", EMPTY_TEXT, reason)

    def _add_ordinary(self, row: RecipientRow, groups: RecordsByPartition) -> int:
        """Add the record of a first try, in as few steps as possible: nearly all records are such.

        Return its size in bytes, or 0 when the row needs `_add_exception`.
        """
        if self._is_given_up:
            return 0
        seq, phone, name, attributes = row
        try:
            plain = attributes is None and self._link is None
            known = None if plain else self._values(seq, attributes)
            if self._text is not None:
                body, template = self._text.render(name, phone, known), None
            else:
                body, template = self._render(name, phone, known)
        except _RENDER_ERRORS:
            return 0
        shard = shard_of(phone, self._shards)
        record = MessageRecord(
            self._wire_version,
            self._campaign_id,
            seq,
            shard,
            self._epoch,
            self._map_version,
            phone,
            body,
            template=template,
            originator=self._originator,
        )
        value = encode(record)
        size = len(value)
        if size > LARGEST_RECORD:
            return 0
        groups[self._partitions[shard]].append({"value": value, "key": phone})
        return size

    def _add_exception(
        self,
        row: RecipientRow,
        groups: RecordsByPartition,
        refused: Collection[int],
        erased: Mapping[int, int],
    ) -> int:
        seq = row[0]
        if seq in erased:
            shard = erased[seq] % self._shards
            partition, message = self.build_for_missing_recipient(seq, shard, FIRST_TRY, ERASED)
        elif seq in refused:
            partition, message = self.build(row, FIRST_TRY, TOO_LARGE)
        else:
            reason = LOST_AGAIN if self._is_given_up else None
            partition, message = self.build(row, FIRST_TRY, reason)
        groups[partition].append(message)
        return len(message["value"])

    def _values(self, seq: int, attributes: str | None) -> dict[str, str] | None:
        values: dict[str, str] | None = None
        if attributes is not None and self._needs_attributes:
            values = _decode_attributes(attributes)
        if self._link is not None:
            values = {} if values is None else values
            values[UNSUBSCRIBE_URL] = self._link(seq)
        return values

    def _record(
        self,
        seq: int,
        shard: int,
        numbers: TryNumbers,
        phone: str,
        rendered: Rendered,
        reason: str | None,
    ) -> PartitionedRecord:
        # An undeliverable message is sent by no sender, so any version may record its outcome.
        is_sent = reason is None
        value = encode(
            MessageRecord(
                self._wire_version if is_sent else TEXT_VERSION,
                self._campaign_id,
                seq,
                shard,
                self._epoch,
                self._map_version,
                phone,
                rendered.body,
                *numbers,
                reason,
                rendered.template,
                self._originator if is_sent else None,
            )
        )
        return self._partitions[shard], {"value": value, "key": phone}


def without_body(record: MessageRecord) -> MessageRecord:
    """Return the record with the reason `TOO_LARGE` instead of its body."""
    return replace(
        record,
        wire_version=TEXT_VERSION,
        body="",
        undeliverable=TOO_LARGE,
        template=None,
        originator=None,
    )


def seqs_of(values: Iterable[bytes]) -> set[int]:
    """Return the sequence numbers of encoded records."""
    return {decode(value).seq for value in values}
