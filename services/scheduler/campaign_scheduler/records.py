"""Turning recipients into the records that travel to the senders."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from campaign_common.partition_map import PartitionMap
from campaign_common.recipient import NAME, PHONE
from campaign_common.shard import shard_of
from campaign_common.store.fanout import RecipientRow
from campaign_common.store.leases import Lease
from campaign_common.template import Template
from campaign_common.wire import ERASED, WIRE_VERSION, MessageRecord, decode, encode
from campaign_scheduler.publisher import Outgoing

LARGEST_RECORD = 65_536
"""Bytes of an encoded record; no provider takes a text message of that size."""

LARGEST_CHUNK = 16 * 1024 * 1024
"""Bytes of records composed at a time, which bounds the memory of long messages."""

TOO_LARGE = "message is too large"
NOT_RENDERED = "template does not render"
MOST_ROUNDS = 5
"""Times that a campaign is published again before what is still missing of it fails."""

LOST_AGAIN = "lost again and again"

NO_RECIPIENT = "recipient is gone"

_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode


class Try(NamedTuple):
    """Which publication of a message this is (protocol rule 1)."""

    generation: int
    try_number: int
    attempts: int


FIRST_TRY = Try(generation=0, try_number=1, attempts=0)

NOBODY_ERASED: Mapping[int, int] = MappingProxyType({})


class Composed(NamedTuple):
    """The records of consecutive recipients, and how far these reach."""

    messages: list[Outgoing]
    recipients: int
    last_seq: int


class Composer:
    """Renders and encodes the messages of one campaign under one partition map."""

    def __init__(self, lease: Lease, template: Template, partition_map: PartitionMap) -> None:
        self._lease = lease
        self._gives_up = lease.rounds >= MOST_ROUNDS
        self._render = template.render
        self._needs_attributes = bool(template.placeholders - {NAME, PHONE})
        self._map = partition_map

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
        messages: list[Outgoing] = []
        recipients = size = last_seq = 0
        for row in rows:
            last_seq = row[0]
            recipients += 1
            if last_seq in recorded:
                continue
            if last_seq in erased:
                shard = erased[last_seq] % self._lease.shards
                message = self.nobody(last_seq, shard, FIRST_TRY, ERASED)
            else:
                message = self.message(row, FIRST_TRY, self._undeliverable(last_seq, refused))
            messages.append(message)
            size += len(message["value"])
            if size >= LARGEST_CHUNK:
                break
        return Composed(messages, recipients, last_seq)

    def message(
        self, row: RecipientRow, attempt: Try = FIRST_TRY, undeliverable: str | None = None
    ) -> Outgoing:
        """Compose one record; what cannot be delivered says why and carries no body."""
        seq, phone, name, attributes = row
        body = ""
        if undeliverable is None:
            try:
                body = self._render(name, phone, self._decoded(attributes))
            except (ValueError, TypeError, LookupError):
                undeliverable = NOT_RENDERED
        shard = shard_of(phone, self._lease.shards)
        value = self._encoded(seq, shard, attempt, phone=phone, body=body, why=undeliverable)
        if len(value) > LARGEST_RECORD:
            return self.message(row, attempt, TOO_LARGE)
        return {"value": value, "key": phone, "partition": self._map.partition(shard)}

    def _undeliverable(self, seq: int, refused: Collection[int]) -> str | None:
        if seq in refused:
            return TOO_LARGE
        return LOST_AGAIN if self._gives_up else None

    def nobody(self, seq: int, shard: int, attempt: Try, why: str) -> Outgoing:
        """Compose the record of a message whose recipient is not known any more."""
        value = self._encoded(seq, shard, attempt, phone="", body="", why=why)
        return {"value": value, "key": "", "partition": self._map.partition(shard)}

    def _encoded(
        self, seq: int, shard: int, attempt: Try, *, phone: str, body: str, why: str | None
    ) -> bytes:
        return encode(
            MessageRecord(
                WIRE_VERSION,
                self._lease.campaign_id,
                seq,
                shard,
                self._lease.epoch,
                self._map.version,
                phone,
                body,
                *attempt,
                why,
            )
        )

    def _decoded(self, attributes: str | None) -> dict[str, str] | None:
        if attributes is None or not self._needs_attributes:
            return None
        return _decode_attributes(attributes)


def seqs_of(values: Iterable[bytes]) -> set[int]:
    """Read which messages these encoded records are of."""
    return {decode(value).seq for value in values}
