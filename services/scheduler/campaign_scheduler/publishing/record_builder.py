"""Turning recipients into the records that travel to the senders."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from campaign_common.partition_map import PartitionMap
from campaign_common.recipient import NAME, PHONE
from campaign_common.shard import shard_of
from campaign_common.store.fanout import RecipientRow
from campaign_common.store.leases import Lease
from campaign_common.template import Template
from campaign_common.wire import ERASED, LARGEST_RECORD, WIRE_VERSION, MessageRecord, decode, encode
from campaign_scheduler.publishing.publisher import Groups, Outgoing

LARGEST_CHUNK = 16 * 1024 * 1024
"""Bytes of records composed at a time, which bounds the memory of long messages."""

TOO_LARGE = "message is too large"
NOT_RENDERED = "template does not render"
MOST_ROUNDS = 5
"""Times that a campaign is published again before what is still missing of it fails."""

LOST_AGAIN = "lost again and again"

NO_RECIPIENT = "recipient is gone"

_DOES_NOT_RENDER = (ValueError, TypeError, LookupError)

_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode


class Try(NamedTuple):
    """Which publication of a message this is (protocol rule 1)."""

    generation: int
    try_number: int
    attempts: int


FIRST_TRY = Try(generation=0, try_number=1, attempts=0)

NOBODY_ERASED: Mapping[int, int] = MappingProxyType({})


Placed = tuple[int, Outgoing]
"""A record, after the partition that it goes to."""


class Composed(NamedTuple):
    """The records of consecutive recipients by their partition, and how far these reach."""

    groups: Groups
    recipients: int
    last_seq: int

    @property
    def counts(self) -> dict[int, int]:
        """How many records there are for each partition."""
        return {partition: len(group) for partition, group in self.groups.items()}


class Composer:
    """Renders and encodes the messages of one campaign under one partition map.

    It does so for every message that is sent, so what is the same for all of a campaign is looked
    up once, here.
    """

    def __init__(self, lease: Lease, template: Template, partition_map: PartitionMap) -> None:
        self._campaign_id = lease.campaign_id
        self._epoch = lease.epoch
        self._shards = lease.shards
        self._gives_up = lease.rounds >= MOST_ROUNDS
        self._render = template.render
        self._needs_attributes = bool(template.placeholders - {NAME, PHONE})
        self._map_version = partition_map.version
        self._partitions = [partition_map.partition(shard) for shard in range(lease.shards)]

    def compose(
        self,
        rows: Sequence[RecipientRow],
        recorded: Collection[int],
        refused: Collection[int],
        erased: Mapping[int, int] = NOBODY_ERASED,
    ) -> Composed:
        """Compose the records of `rows`, in order, until they fill a chunk.

        `recorded` are passed over: they have an outcome, or wait for a retry. `refused` are
        known to be too large for the broker and say so instead of carrying their body; so do
        those who are `erased`, which says what their shards follow from.
        """
        exceptions = {*refused, *erased}
        groups: Groups = defaultdict(list)
        recipients = size = last_seq = 0
        for row in rows:
            last_seq = row[0]
            recipients += 1
            if last_seq in recorded:
                continue
            added = 0 if last_seq in exceptions else self._add_ordinary(row, groups)
            size += added or self._add_exception(row, groups, refused, erased)
            if size >= LARGEST_CHUNK:
                break
        return Composed(groups, recipients, last_seq)

    def _add_ordinary(self, row: RecipientRow, groups: Groups) -> int:
        """Add a first try in as few steps as there can be: nearly every record is made here.

        Returns its bytes, or 0 for a row that is an exception after all.
        """
        if self._gives_up:
            return 0
        seq, phone, name, attributes = row
        try:
            known = None if attributes is None else self._decoded(attributes)
            body = self._render(name, phone, known)
        except _DOES_NOT_RENDER:
            return 0
        shard = shard_of(phone, self._shards)
        record = MessageRecord(
            WIRE_VERSION, self._campaign_id, seq, shard, self._epoch, self._map_version, phone, body
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
        groups: Groups,
        refused: Collection[int],
        erased: Mapping[int, int],
    ) -> int:
        seq = row[0]
        if seq in erased:
            shard = erased[seq] % self._shards
            partition, message = self.nobody(seq, shard, FIRST_TRY, ERASED)
        elif seq in refused:
            partition, message = self.message(row, FIRST_TRY, TOO_LARGE)
        else:
            why = LOST_AGAIN if self._gives_up else None
            partition, message = self.message(row, FIRST_TRY, why)
        groups[partition].append(message)
        return len(message["value"])

    def message(
        self, row: RecipientRow, attempt: Try = FIRST_TRY, undeliverable: str | None = None
    ) -> Placed:
        """Compose one record; what cannot be delivered says why and carries no body."""
        seq, phone, name, attributes = row
        body = ""
        if undeliverable is None:
            try:
                body = self._render(name, phone, self._decoded(attributes))
            except _DOES_NOT_RENDER:
                undeliverable = NOT_RENDERED
        shard = shard_of(phone, self._shards)
        placed = self._record(seq, shard, attempt, phone, body, undeliverable)
        if len(placed[1]["value"]) > LARGEST_RECORD:
            return self.message(row, attempt, TOO_LARGE)
        return placed

    def _decoded(self, attributes: str | None) -> dict[str, str] | None:
        if attributes is None or not self._needs_attributes:
            return None
        return _decode_attributes(attributes)

    def nobody(self, seq: int, shard: int, attempt: Try, why: str) -> Placed:
        """Compose the record of a message whose recipient is not known any more."""
        return self._record(seq, shard, attempt, "", "", why)

    def _record(
        self, seq: int, shard: int, attempt: Try, phone: str, body: str, why: str | None
    ) -> Placed:
        value = encode(
            MessageRecord(
                WIRE_VERSION,
                self._campaign_id,
                seq,
                shard,
                self._epoch,
                self._map_version,
                phone,
                body,
                *attempt,
                why,
            )
        )
        return self._partitions[shard], {"value": value, "key": phone}


def too_large(record: MessageRecord) -> MessageRecord:
    """Return a record that says that it is too large instead of carrying its body."""
    return replace(record, body="", undeliverable=TOO_LARGE)


def seqs_of(values: Iterable[bytes]) -> set[int]:
    """Read which messages these encoded records are of."""
    return {decode(value).seq for value in values}
