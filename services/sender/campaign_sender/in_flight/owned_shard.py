"""Shards that this process owns, with the messages that it holds of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey
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

    def still_claimed(self, finished: Collection[MessageKey]) -> list[Message]:
        """Return the messages that stay claimed when `finished` are recorded."""
        return [message for key, message in self.claimed.items() if key not in finished]

    @property
    def has_progress(self) -> bool:
        """Return whether the committable offset is ahead of the claim row."""
        return self.offsets.committable != self.recorded_offset

    def start_at(self, offset: int) -> None:
        """Start at the offset of the claim row."""
        self.offsets.advance_to(offset)
        self.recorded_offset = offset


class OwnedShards:
    """Shards of a group, and their messages; used inside the buffer's lock, but for look-ups.

    `providers`: those of all messages that were admitted.
    """

    def __init__(self, providers: Collection[str]) -> None:
        self.providers = providers
        self.by_number: dict[int, OwnedShard] = {}
        self.held: dict[MessageKey, Message] = {}
        """Messages from admission until they are recorded."""
        self.draining: set[int] = set()
        """Shards that are being released."""
        self.claimed = 0
        """Number of messages that are claimed."""
        self.claimed_of: Counter[str] = Counter()
        """Number of them by provider."""

    def add(self, owned: OwnedShard) -> None:
        """Add a shard that was taken over."""
        # A shard that was lost while draining may still be in the set.
        self.draining.discard(owned.shard)
        self.by_number[owned.shard] = owned

    def drop(self, owned: OwnedShard) -> None:
        """Remove a shard and its messages."""
        shard = owned.shard
        del self.by_number[shard]
        self.draining.discard(shard)
        self.claimed -= len(owned.claimed)
        self.claimed_of.subtract(message.provider for message in owned.claimed.values())
        for key in [k for k, message in self.held.items() if message.record.shard == shard]:
            del self.held[key]

    def epochs(self) -> dict[int, Epoch]:
        """Return the shards, each with its claim epoch."""
        return {shard: owned.epoch for shard, owned in self.by_number.items()}

    def advance_to(self, partition: int, position: int) -> None:
        """Advance the shards of a partition: all records below `position` were decoded."""
        for owned in self.by_number.values():
            if owned.place.partition == partition:
                owned.offsets.advance_to(position)

    def held_of_campaign(self, shard: int, campaign_id: CampaignId) -> dict[int, Message]:
        """Return the held messages of a campaign and shard, by seq."""
        return {
            seq: message
            for (of_campaign, seq), message in self.held.items()
            if of_campaign == campaign_id and message.record.shard == shard
        }

    # --- claims and ends of messages; those of shards that were lost are passed over ----------

    def claim(self, messages: Iterable[Message]) -> None:
        """Note messages as claimed."""
        shards, epochs, before = self.by_number, self.epochs(), self.claimed
        messages = list(messages)
        for message in messages:
            shard = message.record.shard
            if epochs.get(shard) == message.epoch:
                shards[shard].claimed[message.key] = message
                self.claimed += 1
        self._count_claimed(messages, self.claimed - before)

    def forget(self, messages: Iterable[Message]) -> None:
        """Hold messages no more, claimed or not."""
        shards, epochs, held = self.by_number, self.epochs(), self.held
        before, ended = self.claimed, list[Message]()
        for message in messages:
            shard = message.record.shard
            if epochs.get(shard) == message.epoch:
                if shards[shard].claimed.pop(message.key, None) is not None:
                    self.claimed -= 1
                    ended.append(message)
                held.pop(message.key, None)
        self._count_claimed(ended, self.claimed - before)

    def hold_again(self, messages: Iterable[Message]) -> list[Message]:
        """Hold messages again that did not start; return them, but for shards being released."""
        epochs, held, again = self.epochs(), self.held, list[Message]()
        for message in messages:
            shard = message.record.shard
            if epochs.get(shard) == message.epoch and shard not in self.draining:
                held[message.key] = message
                again.append(message)
        return again

    def finish(self, messages: Iterable[Message]) -> None:
        """Note that the offsets of messages are finished."""
        epochs = self.epochs()
        ended: dict[int, list[int]] = defaultdict(list)
        for message in messages:
            if epochs.get(message.record.shard) == message.epoch:
                ended[message.record.shard].append(message.offset)
        for shard, offsets in ended.items():
            self.by_number[shard].offsets.finish(offsets)

    def is_claimed(self, message: Message) -> bool:
        """Return whether this very record of a message is claimed."""
        owned = self.by_number.get(message.record.shard)
        return owned is not None and owned.claimed.get(message.key) is message

    def _count_claimed(self, messages: Collection[Message], change: int) -> None:
        """Count claimed messages; `change`: their number, or less it where their claims end."""
        if len(self.providers) == 1:
            for provider in self.providers:
                self.claimed_of[provider] += change
            return
        # Counter.subtract takes three times as long, since it does not count in C.
        sign = 1 if change > 0 else -1
        for provider, n in Counter([message.provider for message in messages]).items():
            self.claimed_of[provider] += sign * n

    # --- offsets ------------------------------------------------------------------------------

    def has_span(self, span: int) -> bool:
        """Return whether the offsets of any shard span that many."""
        return any(owned.offsets.span >= span for owned in self.by_number.values())

    def beyond(self, span: int) -> set[Shard]:
        """Return the shards whose offsets span more than that."""
        return {one.shard for one in self.by_number.values() if one.offsets.span > span}

    def have_progress(self, shards: Iterable[int]) -> bool:
        """Return whether the offset of any of `shards` is to be recorded."""
        by_number = self.by_number
        return any(by_number[n].has_progress for n in shards if n in by_number)

    def have_claims(self, shards: Iterable[int]) -> bool:
        """Return whether any message of `shards` is claimed."""
        by_number = self.by_number
        return any(by_number[n].claimed for n in shards if n in by_number)
