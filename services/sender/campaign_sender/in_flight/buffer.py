"""In-flight buffer: every message of a shard group that this process holds, and its state.

The consumer loop *admits* a message; the recorder *claims* it (its claim is committed, then it is
dispatched to a provider); the provider adds a *result*; the message leaves the buffer when that is
recorded. Every method may be called from any thread. Ownership of shards changes only between two
transactions of the recorder (see `Recorder.between_transactions`).
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from time import monotonic
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey
from campaign_common.domain.shard import Epoch
from campaign_providers.contract import (
    PreSendCheck,
    SendResult,
    SendStatus,
)
from campaign_sender.in_flight.admitted_messages import AdmittedMessages
from campaign_sender.in_flight.backlog import Backlogs
from campaign_sender.in_flight.claim_window import ClaimBounds, Unbounded
from campaign_sender.in_flight.funds import Funds, NoBudgets
from campaign_sender.in_flight.owned_shard import OwnedShard, OwnedShards
from campaign_sender.in_flight.pending_results import PendingResults
from campaign_sender.in_flight.postponement import Postponement
from campaign_sender.message import Message

MAX_SPAN_FACTOR = 20
"""Maximum span of a shard's offsets, as a multiple of the messages allowed in flight."""

FEW = 32
"""Fewest results for a transaction that begins when half of all claims have theirs."""

ENDED_UNCLAIMED = frozenset({SendStatus.STALE, SendStatus.EXPIRED, SendStatus.SUPPRESSED})
"""Decisions by which a message ends that is not claimed yet."""


class RecorderBatch(NamedTuple):
    """Results to record and messages to claim in one transaction of the recorder."""

    results: list[SendResult[Message]]
    """Results of messages that are still held."""
    claims: list[Message]
    late: list[SendResult[Message]]
    """Results of messages whose shard was lost meanwhile."""


class InFlightBuffer:
    """Bounded buffer of the messages between fetch and record.

    `in_flight`: maximum of claimed messages; `bounds`: maximum of those of each provider;
    `backlogs`: maximum of messages that are not claimed. `batch_size`: number of admitted messages
    of one provider, not yet claimed, at which fetching stops. `funds`: money of the campaigns that
    have a budget.
    """

    def __init__(
        self,
        *,
        in_flight: int,
        batch_size: int,
        bounds: ClaimBounds | None = None,
        backlogs: Backlogs | None = None,
        funds: Funds | None = None,
    ) -> None:
        self._in_flight = in_flight
        self._batch_size = batch_size
        self._changed = threading.Condition()
        self._bounds = bounds or Unbounded()
        self._funds = funds or NoBudgets()
        self._admitted = AdmittedMessages(self._bounds, self._funds)
        self._postponement = (
            None
            if backlogs is None
            else Postponement(self._admitted, self._bounds, backlogs, batch_size)
        )
        self._shards = OwnedShards(self._admitted.queues.keys())
        self._held, self._draining = self._shards.held, self._shards.draining
        self._by_number = self._shards.by_number  # all three: looked up for every message
        self._results = PendingResults(self._shards, self._bounds)
        self._taken_at = 0.0
        self.max_span = MAX_SPAN_FACTOR * in_flight
        """Distance of position and committable offset of a shard beyond which no fetch begins."""
        self._in_transaction: set[int] = set()
        self.admission_lock = threading.Lock()
        """Held from a ledger look-up to the admission, and while a command rewrites outcomes."""

    # --- shards ---------------------------------------------------------------------------

    def add_shard(self, owned: OwnedShard) -> None:
        """Add a shard that was taken over."""
        with self._changed:
            self._shards.add(owned)

    def owned(self, shard: int) -> OwnedShard | None:
        """Return the shard if this process owns it."""
        return self._by_number.get(shard)

    def epochs(self) -> dict[int, Epoch]:
        """Return the owned shards, each with its claim epoch."""
        with self._changed:
            return self._shards.epochs()

    def shards(self) -> list[OwnedShard]:
        """Return the owned shards, in the order of their numbers."""
        with self._changed:
            return sorted(self._by_number.values(), key=lambda owned: owned.shard)

    def drop_shard(self, owned: OwnedShard) -> None:
        """Remove a shard and its messages; results that arrive afterwards are late.

        Does nothing when the shard has been taken over again meanwhile.
        """
        with self._changed:
            if self._by_number.get(owned.shard) is owned:
                self._shards.drop(owned)
                self._take_admitted([owned.shard])
                self._changed.notify_all()

    def holds(self, message: Message) -> bool:
        """Return whether this process still holds this very record of the message."""
        return self._held.get(message.key) is message

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        """Return those messages that are still held by this process."""
        held = self._held
        return [message for message in messages if held.get(message.key) is message]

    def is_draining(self, shard: int) -> bool:
        """Return whether a shard is being released, so that nothing more is sent for it."""
        return shard in self._draining

    # --- used by the consumer loop --------------------------------------------------------

    def held_keys(self, keys: Iterable[MessageKey]) -> set[MessageKey]:
        """Return those keys whose message this process holds (protocol rule 5)."""
        with self._changed:
            held = self._held
            return {key for key in keys if key in held}

    def held_messages(self, shard: int, campaign_id: CampaignId) -> dict[int, Message]:
        """Return the held messages of a campaign and shard, by seq."""
        with self._changed:
            return self._shards.held_of_campaign(shard, campaign_id)

    def track(self, owned: OwnedShard, offsets: Iterable[int]) -> None:
        """Track fetched records of a shard, in rising order, as unfinished."""
        with self._changed:
            owned.offsets.track(offsets)

    def advance_to(self, partition: int, position: int) -> None:
        """Advance the shards of a partition: all records below `position` were decoded."""
        with self._changed:
            self._shards.advance_to(partition, position)

    def admit(
        self,
        to_send: Sequence[Message],
        decided: Sequence[SendResult[Message]],
        dropped: Iterable[Message],
    ) -> None:
        """Add what admission decided: messages to send, results without a send, and dropped ones.

        Messages of a shard that was lost since the look-up are left out.
        """
        with self._changed:
            epochs, held = self._shards.epochs(), self._held
            runs: dict[tuple[str, CampaignId], list[Message]] = {}
            provider, campaign_id = "", None  # one run at a time, as a batch has a few campaigns
            append: Callable[[Message], None] = _ignore
            for message in to_send:
                record = message.record
                if epochs.get(record.shard) == message.epoch:
                    held[message.key] = message
                    if record.campaign_id != campaign_id or message.provider != provider:
                        provider, campaign_id = message.provider, record.campaign_id
                        append = runs.setdefault((provider, campaign_id), []).append
                    append(message)
            self._admitted.extend(runs)
            kept = [r for r in decided if epochs.get(r.message.record.shard) == r.message.epoch]
            held.update((result.message.key, result.message) for result in kept)
            self._results.add_decided(kept)
            self._shards.finish(dropped)
            self._changed.notify_all()

    def wait_for_capacity(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until another batch may be fetched."""
        with self._changed:
            return self._changed.wait_for(self._has_capacity, timeout)

    def admitted(self, provider: str) -> int:
        """Return the number of messages of a provider that are not claimed yet."""
        with self._changed:
            return self._admitted.count(provider)

    def admitted_of(self, campaigns: Collection[CampaignId]) -> Counter[CampaignId]:
        """Count the messages of some campaigns that are not claimed yet."""
        with self._changed:
            return self._admitted.counts(campaigns)

    def postpone(self, in_use: Collection[str], *, is_shared: bool = True) -> None:
        """Postpone what waits here for long, as `Postponement.take` says, and add its results.

        The fetch stops for a full queue, or for an offset that is held back.
        """
        if self._postponement is None:
            return
        with self._changed:
            postponed = self._postponement.take(
                in_use,
                self._shards.beyond(self.max_span // 2),
                is_shared=is_shared,
                holds_offsets=self._shards.has_span(self.max_span),
            )
            if postponed:
                self._results.add_decided(postponed)
                self._changed.notify_all()

    def end_unclaimed(
        self,
        providers: Collection[str],
        campaigns: Collection[CampaignId],
        check: PreSendCheck[Message],
    ) -> None:
        """End messages of providers and campaigns with grants that must not be sent any more.

        Claimed ones are checked before they are sent; these may wait long for that.
        """
        with self._changed:
            waiting = self._admitted.of(providers, campaigns)
        ended = {
            id(message): SendResult(message, status)
            for message, status in zip(waiting, check(waiting), strict=True)
            if status in ENDED_UNCLAIMED
        }
        if not ended:
            return
        with self._changed:
            taken = self._admitted.take_if(lambda message: id(message) in ended)
            self._results.add_decided([ended[id(message)] for message in taken])
            self._changed.notify_all()

    def wake(self) -> None:
        """Wake the recorder: grants have changed, and with them what may be claimed."""
        with self._changed:
            if self._admitted.has_queued():
                self._changed.notify_all()

    def queue_unfunded(self) -> None:
        """Queue messages again that waited for money."""
        with self._changed:
            if self._admitted.unfunded:
                self._admitted.queue_unfunded()
                self._changed.notify_all()

    def first_unfunded(self) -> list[Message]:
        """Return the first message of each campaign that waits for money."""
        with self._changed:
            return self._admitted.unfunded.first()

    def held_for(self, phones: Collection[str] | None) -> list[Message]:
        """Return the held messages to some people, None: to all."""
        with self._changed:
            held = self._held.values()
            return [one for one in held if phones is None or one.record.phone in phones]

    def campaigns(self) -> set[CampaignId]:
        """Return the campaigns with a held message."""
        with self._changed:
            return {campaign_id for campaign_id, _ in self._held}

    # --- used by providers and the recorder -----------------------------------------------

    def add_results(self, results: Sequence[SendResult[Message]]) -> None:
        """Add results of a provider."""
        with self._changed:
            self._results.add(results)
            self._changed.notify_all()

    def wait_for_work(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for something to record or to claim."""
        with self._changed:
            return self._changed.wait_for(self._has_work, timeout)

    def wait_for_batch(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until the next transaction has a full batch."""
        with self._changed:
            return self._changed.wait_for(self._has_batch, timeout)

    def take_batch(self) -> RecorderBatch:
        """Take every result, and as many admitted messages as may be claimed."""
        with self._changed:
            results, late, ending = self._results.take()
            self._admitted.count_again()
            claims = self._admitted.take(self._claimable(ending))
            self._taken_at = monotonic()
            self._in_transaction = {message.record.shard for message in claims}
            return RecorderBatch(results, claims, late)

    def put_back(self, batch: RecorderBatch) -> None:
        """Put back a batch whose transaction did not happen, in its old order."""
        with self._changed:
            self._admitted.count_again()
            self._in_transaction = set()
            self._results.put_back(batch.results, batch.late)
            self._funds.give_back(batch.claims)
            held = self._held
            self._admitted.put_back(m for m in reversed(batch.claims) if held.get(m.key) is m)

    def apply_commit(
        self, results: Sequence[SendResult[Message]], claimed: Iterable[Message]
    ) -> None:
        """Apply a committed transaction: the recorded results and the claimed messages.

        Released messages keep their offset unfinished: the shard's next owner fetches them again.
        """
        with self._changed:
            self._admitted.count_again()
            self._in_transaction = set()
            seconds = monotonic() - self._taken_at
            self._bounds.note_transaction(seconds)
            self._funds.note_transaction(seconds)
            not_started = [r.message for r in results if r.status is SendStatus.NOT_GRANTED]
            if not_started:
                results = [r for r in results if r.status is not SendStatus.NOT_GRANTED]
                self._shards.forget(not_started)
                self._admitted.put_back(self._shards.hold_again(reversed(not_started)))
            self._shards.forget(result.message for result in results)
            self._shards.finish(r.message for r in results if r.status is not SendStatus.RELEASED)
            self._shards.claim(claimed)
            self._changed.notify_all()

    # --- draining -------------------------------------------------------------------------

    def drain(self, shards: Collection[int], timeout: float) -> bool:
        """Abandon unsent messages of `shards`, and wait until all others are recorded.

        The committable offsets are recorded too, so that the next owner fetches nothing again that
        is finished. The consumer loop calls this before it drops the shards, and admits nothing
        meanwhile. False: `timeout` seconds were not enough; the next owner settles the claims.
        """
        with self._changed:
            self._draining.update(shards)
            # Their offsets stay unfinished: the next owner of the shard fetches them again.
            for message in self._take_admitted(shards):
                self._held.pop(message.key, None)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._has_unrecorded(shards), timeout)

    # --- inside the lock ------------------------------------------------------------------

    def _has_work(self) -> bool:
        return (
            bool(self._results)
            or (self._shards.claimed < self._in_flight and bool(self._claimable({})))
            or self._shards.have_progress(self._draining)
        )

    def _has_batch(self) -> bool:
        results = len(self._results)
        # Long before all claimed messages are sent, or sends would wait for claims.
        enough = max(1, min(self._batch_size // 2, self._in_flight // 4))
        if results >= enough:
            return True
        if results >= FEW and 2 * results >= self._shards.claimed and self._admitted.has_queued():
            return True
        claimable = sum(self._claimable(self._results.ending()).values())
        return results + claimable >= self._batch_size // 2

    def _claimable(self, ending: Mapping[str, int]) -> dict[str, int]:
        """Return how many messages of each provider may be claimed once results are recorded.

        `ending`: claimed messages among these results.
        """
        room = max(0, self._in_flight - self._shards.claimed + sum(ending.values()))
        return self._admitted.claimable(room, self._shards.claimed_of, ending)

    def _has_capacity(self) -> bool:
        return not self._shards.has_span(self.max_span) and self._admitted.may_grow(
            self._batch_size
        )

    def _take_admitted(self, shards: Collection[int]) -> list[Message]:
        """Take the messages of `shards` that are not claimed, and return them."""
        return self._admitted.take_if(lambda message: message.record.shard in shards)

    def _has_unrecorded(self, shards: Collection[int]) -> bool:
        return (
            not self._in_transaction.isdisjoint(shards)
            or self._shards.have_claims(shards)
            or self._shards.have_progress(shards)
        )


def _ignore(_: Message) -> None:
    """Do nothing."""
