"""Admission of fetched messages to the in-flight buffer, in the order of rules 5 and 6."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from campaign_common.database import Proof, ShardServer
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import LedgerEntry, MessageKey
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.errors import TopicMissing
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.core.campaigns import CampaignVersion, read_versions
from campaign_common.store.limits.live_weights import follow_live_weights
from campaign_common.store.messages.ledger import look_up
from campaign_common.store.messages.possibly_sent import (
    DoubtLookup,
    note_lost_commits,
    read_doubts,
)
from campaign_common.store.receipts.receipt_rows import read_receipts
from campaign_common.store.shards.partition_map import read_map
from campaign_common.store.shards.shard_commands import to_be_erased
from campaign_common.store.suppressions.lookup import Suppressed, look_up_suppressed
from campaign_providers.contract import SendResult
from campaign_sender.admission.key_windows import KeyWindows
from campaign_sender.admission.provider_choice import (
    ProviderChoice,
    doubts_wanted,
    with_lost_commits,
)
from campaign_sender.admission.rules import (
    AdmissionDecision,
    Filtered,
    admit_live,
    drop_erased,
    drop_stale,
    hold_unready,
    is_reported,
    ledger_query,
    place_of,
    split_duplicates,
    split_possibly_sent,
    split_suppressed,
)
from campaign_sender.delivery.held_suppressions import Topics, topics_of
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.tracing import BatchTraces


class AdmissionLookup(NamedTuple):
    """State that is read for a batch after its messages were fetched."""

    versions: dict[CampaignId, CampaignVersion]
    partition_map: PartitionMap
    entries: dict[MessageKey, LedgerEntry]
    erased: set[MessageKey]
    """Messages that a pending command will cancel."""
    doubted: DoubtLookup
    """Messages that a lost sender may have sent."""
    suppressed: Suppressed
    """Suppressions of the people."""


class BatchAdmitter:
    """Admission for one shard group; every step may be repeated after an outage.

    `unready`: returns an error code where nothing can be handed over to a provider.
    """

    def __init__(
        self,
        server: ShardServer,
        topic: str,
        buffer: InFlightBuffer,
        guard: SendGuard,
        choice: ProviderChoice,
        unready: Callable[[str], str | None],
        traces: BatchTraces | None = None,
    ) -> None:
        self._server = server
        self._topic = topic
        self._buffer = buffer
        self._guard = guard
        self._suppressions = guard.suppressions
        self._choice = choice
        self._windows = KeyWindows(server.own, choice.key_window)
        self._unready = unready
        self._traces = traces
        self._pending: list[Message] = []
        """Enqueued and not admitted: new messages after an outage, duplicates of held messages."""

    @property
    def pending(self) -> int:
        """Number of messages that wait for the database or for a duplicate's outcome."""
        return len(self._pending)

    def enqueue(self, messages: Sequence[Message], owned: Mapping[int, OwnedShard]) -> None:
        """Enqueue fetched messages, in the order of their offsets, tracked as unfinished."""
        offsets: dict[int, list[int]] = defaultdict(list)
        for message in messages:
            offsets[message.record.shard].append(message.offset)
        for shard, shard_offsets in offsets.items():
            self._buffer.track(owned[shard], shard_offsets)
        self._pending.extend(messages)

    def admit(self) -> None:
        """Decide about the enqueued messages, and admit those that may be sent.

        Raises:
            RetryLater: the database is down; everything stays enqueued.
        """
        with self._buffer.admission_lock:
            self._admit()

    def _admit(self) -> None:
        epochs = self._buffer.epochs()
        pending = [m for m in self._pending if epochs.get(m.record.shard) == m.epoch]
        self._pending = pending
        held = self._buffer.held_keys([m.key for m in pending])
        fresh, duplicates = split_duplicates(pending, held)
        if not fresh:
            return
        began_at = boot_time()
        query = ledger_query(fresh)
        phones = [m.phone for m in fresh] if self._suppressions.begin_lookup() else []
        looked_up = self._read(query, phones)
        versions, partition_map, entries, erased, (doubts, now), suppressed = looked_up
        self._guard.learn(versions, began_at)
        unknown, possibly_sent = split_possibly_sent(self._possibly_sent(fresh), versions, entries)
        self._note_lost_commits(possibly_sent)
        doubts = with_lost_commits(doubts, possibly_sent)
        if unknown:
            ended = {result.message.key for result in unknown}
            fresh = [m for m in fresh if m.key not in ended]
        fresh, withdrawn = drop_erased(fresh, erased) if erased else Filtered(fresh, [])
        kept, stale = drop_stale(fresh, versions, partition_map)
        admission: AdmissionDecision = admit_live(kept, entries)
        chosen = self._choice.choose(admission.to_send, versions, entries, doubts, now)
        to_send, reported = self._drop_reported(chosen.to_send)
        for message in to_send:  # an admission that failed is repeated with the same messages
            message.suppressed = False
        topics = topics_of(versions)
        self._suppressions.mark(to_send, suppressed, topics)
        wanted, unwanted = split_suppressed(to_send)
        self._windows.note(wanted, versions, entries, began_at)
        ready = hold_unready(wanted, self._unready)
        decided = admission.decided + ready.decided + unknown + chosen.decided + unwanted
        dropped = withdrawn + stale + admission.dropped + reported
        if self._traces is not None:
            streams = ((partition_map.partition(shard), campaign) for shard, campaign in query)
            self._traces.admitted(streams, versions)
        self._hold(ready.to_send, decided, dropped, topics)
        self._pending = duplicates

    def _hold(
        self,
        to_send: list[Message],
        decided: list[SendResult[Message]],
        dropped: list[Message],
        topics: Topics,
    ) -> None:
        """Admit a batch, in one step with the changes of suppressions since before its look-up."""
        while True:
            with self._suppressions.lock:
                changed = self._suppressions.take_changed(to_send)
                if not changed:
                    self._buffer.admit(to_send, decided, dropped)
                    return
            with self._server.main.reading(proof=Proof.NOW) as cursor:
                suppressed = look_up_suppressed(cursor, [m.phone for m in changed])
            self._suppressions.mark(changed, suppressed, topics)
            to_send, unwanted = split_suppressed(to_send)
            decided = decided + unwanted

    def _possibly_sent(self, messages: Sequence[Message]) -> list[Message]:
        """Return messages that may have been sent before commits were lost; usually none."""
        below: dict[int, int] = {
            owned.shard: owned.possibly_sent_below for owned in self._buffer.shards()
        }
        if not any(below.values()):
            return []
        return [m for m in messages if m.offset < below.get(m.record.shard, 0)]

    def _drop_reported(self, messages: list[Message]) -> Filtered:
        """Drop repetitions of messages that a receipt proves to be sent (protocol rule 14).

        Costs nothing where no message is in doubt. The owner records what is dropped here as sent.
        """
        doubted = [message for message in messages if message.in_doubt]
        if not doubted:
            return Filtered(messages, [])
        with self._server.own.reading(proof=Proof.NOW) as cursor:
            reported = read_receipts(cursor, [place_of(message) for message in doubted], {})
        dropped = [message for message in doubted if is_reported(message, reported)]
        gone = {message.key for message in dropped}
        return Filtered([message for message in messages if message.key not in gone], dropped)

    def _note_lost_commits(self, possibly_sent: Sequence[Message]) -> None:
        by_shard: dict[int, list[Message]] = defaultdict(list)
        for message in possibly_sent:
            by_shard[message.record.shard].append(message)
        if by_shard:
            with self._server.own.transaction() as cursor:
                for shard, claimed in sorted(by_shard.items()):
                    note_lost_commits(cursor, shard, claimed)

    def _read(
        self, query: Mapping[tuple[int, CampaignId], Sequence[int]], phones: Sequence[str]
    ) -> AdmissionLookup:
        with self._server.reading(Proof.NOW) as cursors:
            versions = read_versions(cursors.main, {campaign_id for _, campaign_id in query})
            partition_map = read_map(cursors.main, self._topic)
            follow_live_weights(cursors.main, self._choice.routes)
            suppressed = look_up_suppressed(cursors.main, phones)
            erased = to_be_erased(cursors, {shard for shard, _ in query})
            entries = look_up(cursors.own, query)
            doubted = read_doubts(cursors.own, doubts_wanted(query, versions))
        if partition_map is None:
            raise TopicMissing(f"the partition map of {self._topic} is gone")
        return AdmissionLookup(versions, partition_map, entries, erased, doubted, suppressed)
