"""A message as the sender holds it, from the moment it was fetched until it is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from campaign_common.message import MessageKey, idempotency_key
from campaign_common.wire import MessageRecord

Origin = tuple[int, str]
"""A campaign, and the traceparent of a publication of some of its messages."""

AdmissionKey = tuple[int, int, int, int, int]
"""Campaign, its epoch, version of the map, shard and partition: on these it is decided whether a
record may be sent, once for all that have the same."""


@dataclass(slots=True, eq=False)
class Arrival:
    """Messages that were fetched together: when, in ns since 1970, and out of what."""

    at: int
    origins: Sequence[Origin] = ()
    """Known once they are admitted."""


class Message(msgspec.Struct, gc=False, eq=False):
    """One fetched record and where it came from.

    `key` is the message this record is a publication of, `epoch` the claim epoch under which
    its shard was owned when it was fetched, `arrival` in which batch, where batches are traced.
    `replaces` is set by admission when the ledger
    says that the message waits for exactly this try, `in_doubt` when a provider may have
    taken an earlier one without saying so, `withdrawn` when no call may start any more because
    its recipient is erased.
    """

    record: MessageRecord
    key: MessageKey
    partition: int
    offset: int
    epoch: int
    arrival: Arrival | None = None
    replaces: bool = False
    in_doubt: bool = False
    withdrawn: bool = False

    @property
    def admission_key(self) -> AdmissionKey:
        """What it has in common with most messages of its batch."""
        record = self.record
        return (
            record.campaign_id,
            record.campaign_epoch,
            record.map_version,
            record.shard,
            self.partition,
        )

    @property
    def idempotency_key(self) -> str:
        """What a provider knows the message by, the same in every try."""
        record = self.record
        return idempotency_key(record.campaign_id, record.seq, record.generation)
