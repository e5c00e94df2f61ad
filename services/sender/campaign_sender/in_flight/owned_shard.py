"""Shard that this process owns."""

from collections.abc import Collection

from campaign_common.domain.message import MessageKey
from campaign_common.domain.message_record import MessageRecord
from campaign_common.domain.shard import Epoch, Shard
from campaign_common.store.shards.claims import Place
from campaign_sender.in_flight.offset_tracker import OffsetTracker
from campaign_sender.message import Message


class OwnedShard:
    """Shard that this process has taken over, under one epoch of its claim row."""

    def __init__(
        self,
        shard: Shard,
        *,
        epoch: Epoch,
        owner_token: bytes,
        transaction_number: int,
        place: Place,
    ) -> None:
        self.shard = shard
        self.epoch = epoch
        self.owner_token = owner_token
        self.transaction_number = transaction_number
        self.place = place
        self.offsets = OffsetTracker()
        self.recorded_offset = 0
        """Offset in the claim row; `offsets.committable` may be ahead of it."""
        self.possibly_sent_below = 0
        """Messages below this offset may have been sent, even without a ledger row (rule 16)."""
        self.claimed: dict[MessageKey, Message] = {}

    def still_claimed(self, finished: Collection[MessageKey]) -> list[MessageRecord]:
        """Return the records that stay claimed when `finished` are recorded."""
        return [m.record for key, m in self.claimed.items() if key not in finished]

    @property
    def has_progress(self) -> bool:
        """Return whether the committable offset is ahead of the claim row."""
        return self.offsets.committable != self.recorded_offset

    def start_at(self, offset: int) -> None:
        """Start at the offset of the claim row."""
        self.offsets.advance_to(offset)
        self.recorded_offset = offset
