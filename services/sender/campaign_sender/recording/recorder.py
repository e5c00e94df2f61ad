"""Recorder: transactions that record the results of some messages and claim the next ones.

A message is dispatched to its provider only after the transaction that claims it has committed.
"""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from msgspec.structs import replace
from pymysql.err import Error as DriverError
from pymysql.err import IntegrityError

from campaign_common.database import Proof, ShardServer
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey
from campaign_common.errors import CommitUnknown, RetryLater
from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.outage_log import Outage
from campaign_common.runtime.periodic_thread import IndispensableThread, ThreadedPart
from campaign_common.store.core.possible_duplicates import RepeatedKey
from campaign_common.store.messages.ledger import LedgerRow, look_up, repeated_sends
from campaign_common.store.messages.possibly_sent import note_late_results, read_possibly_sent
from campaign_common.store.messages.retry_schedule import ScheduledRetry, read_ages
from campaign_providers.contract import REACHED_PROVIDER, SendResult, SendStatus
from campaign_sender.admission.rules import admit_live, ledger_query
from campaign_sender.delivery.dispatcher import Dispatcher
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer, RecorderBatch
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.metrics import TRANSACTION_MESSAGES, TRANSACTION_SECONDS
from campaign_sender.recording import transaction
from campaign_sender.recording.answered_suppressions import AnsweredSuppressions
from campaign_sender.recording.outcome import (
    LEFT_OPEN,
    LedgerOutcome,
    depends_on_age,
    may_have_been_sent,
    sent,
    stops_age,
)
from campaign_sender.recording.outcome_policy import OutcomePolicy
from campaign_sender.recording.recorder_metrics import count_outcomes, count_possible_duplicates
from campaign_sender.recording.reported_results import mark_reported
from campaign_sender.recording.shard_commands import ShardCommands
from campaign_sender.recording.transaction import ShardWrites, WriteResult
from campaign_sender.recording.unknown_commit import UnknownCommit, resolve_commit
from campaign_sender.tracing import BatchTraces

IDLE_RECORD_INTERVAL = 1.0
"""Seconds after which a committable offset is recorded without other work; at once while its shard
is being released."""

GATHERING = 0.05
"""Seconds between two transactions while results trickle in; a full batch is not waited for."""

FIRST_BACKOFF = 0.2
MAX_BACKOFF = 5.0
"""Least and most seconds between two attempts while the database is down."""

EMPTY_BATCH = RecorderBatch([], [], [])

log = structlog.get_logger()


class Recorder(ThreadedPart):
    """Recorder of one shard group: runs transactions one after the other, in its own thread."""

    def __init__(
        self,
        server: ShardServer,
        buffer: InFlightBuffer,
        dispatcher: Dispatcher,
        guard: SendGuard,
        commands: ShardCommands,
        policy: OutcomePolicy,
        traces: BatchTraces | None = None,
    ) -> None:
        held = guard.suppressions
        self._suppressions = AnsweredSuppressions(server.main, held.originator_of, held.longest)
        self._database = server.own
        self._buffer = buffer
        self._dispatcher = dispatcher
        self._guard = guard
        self._commands = commands
        self._policy = policy
        self._transaction_lock = threading.Lock()
        self._stop = threading.Event()
        self._recorded_at: dict[int, float] = {}
        self._fenced: set[int] = set()
        self._unknown_commit: UnknownCommit | None = None
        self._outage = Outage("recording delayed", "recording resumed", log)
        self._backoff = Backoff(self._stop.wait, FIRST_BACKOFF, MAX_BACKOFF, jitter=0.5)
        self._available = True
        self._traces = traces
        super().__init__(IndispensableThread("recorder", self._run))

    def stop(self) -> None:
        """Stop after the current transaction; return when the thread has ended."""
        self._stop.set()
        self._join()

    @contextmanager
    def between_transactions(self) -> Iterator[None]:
        """Hold the recorder between two transactions, to change which shards are owned."""
        with self._transaction_lock:
            yield

    def take_fenced(self) -> set[int]:
        """Return the shards found under another owner since the last request."""
        fenced, self._fenced = self._fenced, set()
        return fenced

    def _run(self) -> None:
        while not self._stop.is_set():
            self._buffer.wait_for_work(
                0.0 if self._commands.has_pending else IDLE_RECORD_INTERVAL / 4
            )
            began = time.monotonic()
            with self._transaction_lock:
                claimed = self._run_once()
            if claimed:
                self._dispatcher.dispatch(claimed)
            if not self._available:
                self._backoff.pause()
            elif not self._commands.has_pending:  # the next slice of a command needs no batch
                self._buffer.wait_for_batch(max(0.0, began + GATHERING - time.monotonic()))

    def _run_once(self) -> list[Message]:
        """Run one transaction; return the claimed messages, which are to be dispatched."""
        try:
            if self._unknown_commit:
                claimed = self._resolve_unknown_commit(self._unknown_commit)
            else:
                self._execute_command()
                claimed = self._commit_batch()
        except RetryLater as error:
            self._outage.failed(str(error))
            self._available = False
            return []
        except DriverError as error:
            # Rolled back, and the batch put back: its results are recorded later.
            log.error("recording refused by the database", error=str(error.args[-1]))
            self._outage.failed(str(error.args[-1]))
            self._available = False
            return []
        self._outage.recovered()
        self._backoff.succeeded()
        self._available = True
        return claimed

    def _execute_command(self) -> None:
        """Execute a slice of the next command to an owned shard."""
        owned = self._commands.next_shard()
        if owned is None:
            return
        writes = ShardWrites(owned, [], [], owned.still_claimed(()), owned.offsets.committable)
        try:
            fenced = self._commands.execute_next(writes)
        except CommitUnknown:
            self._unknown_commit = UnknownCommit(
                EMPTY_BATCH, [writes], WriteResult(set(), Counter())
            )
            raise
        except RetryLater as error:
            # The next refresh of the guard finds it again; recording does not wait for it.
            log.warning("shard command delayed", error=str(error))
            return
        if fenced is not None:
            self._commands.add({owned.shard} - fenced)
            self._after_commit(EMPTY_BATCH, [writes], fenced)

    def _commit_batch(self) -> list[Message]:
        batch = self._buffer.take_batch()
        try:
            # Nearly all are accepted, and cost no more than this comparison.
            others = [r for r in batch.results if r.status is not SendStatus.ACCEPTED]
            self._mark_possibly_sent(others)
            mark_reported(self._database, others)
            self._read_ages(others)
            self._suppressions.write((*others, *batch.late))
        except (RetryLater, DriverError):
            self._buffer.put_back(batch)
            raise
        shard_writes = self._plan_writes(batch)
        if not shard_writes and not batch.late:
            return []
        late = self._late_rows(batch.late)
        written = WriteResult(set(), Counter())
        began = time.monotonic()
        try:
            with self._database.transaction() as cursor:
                written = transaction.write(cursor, shard_writes, _repeated_late(late))
                note_late_results(cursor, late)
                self._policy.ids.insert(cursor, batch.late)
        except CommitUnknown:
            self._unknown_commit = UnknownCommit(batch, shard_writes, written)
            raise
        except IntegrityError as error:
            log.error("outcomes already recorded, looking them up again", error=error.args[0])
            try:
                batch = self._without_recorded(batch)
            finally:
                self._buffer.put_back(batch)
            return []
        except (RetryLater, DriverError):
            self._buffer.put_back(batch)
            raise
        seconds = time.monotonic() - began
        TRANSACTION_SECONDS.observe(seconds)
        self._observe(batch, written, seconds)
        return self._after_commit(batch, shard_writes, written.fenced)

    def _observe(
        self, batch: RecorderBatch, written: WriteResult, seconds: float | None = None
    ) -> None:
        """Count and trace a committed transaction."""
        TRANSACTION_MESSAGES.observe(len(batch.results))
        count_outcomes(written.changes, self._guard.version_of)
        count_possible_duplicates(written.repeated)
        if self._traces is not None:
            self._traces.recorded(batch.results, written.changes, seconds)

    def _mark_possibly_sent(self, results: Sequence[SendResult[Message]]) -> None:
        """Mark messages that a lost sender may have sent, where the outcome depends on it."""
        by_campaign: dict[CampaignId, list[Message]] = defaultdict(list)
        for result in results:
            if self._policy.depends_on_doubt(result):
                by_campaign[result.message.record.campaign_id].append(result.message)
        if not by_campaign:
            return
        with self._database.reading(proof=Proof.NOW) as cursor:
            for campaign_id, messages in by_campaign.items():
                possibly_sent = read_possibly_sent(
                    cursor, campaign_id, [m.record.seq for m in messages]
                )
                for message in messages:
                    named = message.record.seq, message.record.generation
                    message.in_doubt = message.in_doubt or named in possibly_sent

    def _read_ages(self, results: Sequence[SendResult[Message]]) -> None:
        """Read for how long messages have been tried, where the outcome depends on it."""
        aging: dict[tuple[int, CampaignId], dict[int, Message]] = defaultdict(dict)
        for result in results:
            message = result.message
            if message.replaces and depends_on_age(result):
                place = message.record.shard, message.record.campaign_id
                aging[place][message.record.seq] = message
        if not aging:
            return
        with self._database.reading() as cursor:
            for (shard, campaign_id), messages in aging.items():
                for seq, age in read_ages(cursor, shard, campaign_id, list(messages)).items():
                    message = messages[seq]
                    message.age = age.seconds
                    if message.has_waited:
                        message.age -= age.since_published

    def _resolve_unknown_commit(self, unknown: UnknownCommit) -> list[Message]:
        """Resolve a COMMIT without a response, before anything else is recorded."""
        with self._database.transaction() as cursor:
            committed, fenced = resolve_commit(cursor, unknown.shard_writes)
        self._unknown_commit = None
        if committed:
            self._observe(unknown.batch, unknown.written)
            return self._after_commit(unknown.batch, unknown.shard_writes, fenced)
        self._buffer.put_back(unknown.batch)
        return []

    def _plan_writes(self, batch: RecorderBatch) -> list[ShardWrites]:
        rows: dict[int, list[LedgerRow]] = defaultdict(list)
        retries: dict[int, list[ScheduledRetry]] = defaultdict(list)
        finished: dict[int, set[MessageKey]] = defaultdict(set)
        for result in batch.results:
            shard = result.message.record.shard
            finished[shard].add(result.message.key)
            if result.status is SendStatus.ACCEPTED:
                rows[shard].append(sent(result))
            elif result.status not in LEFT_OPEN:
                row, retry_in = self._outcome(result)
                rows[shard].append(row)
                if retry_in is not None:
                    was_sent = may_have_been_sent(result)
                    retries[shard].append(
                        ScheduledRetry(
                            row,
                            retry_in,
                            was_sent=was_sent,
                            stops_age=stops_age(result),
                            has_waited=result.message.replaces and result.message.has_waited,
                            sent_after=result.message.sent_after if was_sent else 0,
                        )
                    )
        claims: dict[int, list[Message]] = defaultdict(list)
        for message in batch.claims:
            claims[message.record.shard].append(message)
        ids = self._policy.ids.of(batch.results)
        now = time.monotonic()
        return [
            ShardWrites(
                owned,
                rows[owned.shard],
                retries[owned.shard],
                owned.still_claimed(finished[owned.shard]) + claims[owned.shard],
                # Messages that this transaction finishes advance the offset of the next one.
                owned.offsets.committable,
                ids.get(owned.shard, ()),
            )
            for owned in self._buffer.shards()
            if owned.shard in finished
            or owned.shard in claims
            or self._needs_offset_write(owned, now)
        ]

    def _outcome(self, result: SendResult[Message]) -> LedgerOutcome:
        version = self._guard.version_of(result.message.record.campaign_id)
        return self._policy.outcome(result, version)

    def _needs_offset_write(self, owned: OwnedShard, now: float) -> bool:
        return owned.has_progress and (
            self._buffer.is_draining(owned.shard)
            or now - self._recorded_at.get(owned.shard, 0.0) >= IDLE_RECORD_INTERVAL
        )

    def _late_rows(self, late: Sequence[SendResult[Message]]) -> list[tuple[int, LedgerRow]]:
        return [
            (result.message.record.shard, self._late_row(result))
            for result in late
            if result.status in REACHED_PROVIDER
        ]

    def _late_row(self, result: SendResult[Message]) -> LedgerRow:
        """Return the outcome with the provider that it is of, not the one of a next try."""
        return replace(self._outcome(result).row, provider=result.message.provider or None)

    def _without_recorded(self, batch: RecorderBatch) -> RecorderBatch:
        """Mark results of messages that have their outcome, so that only their claims end."""
        messages = [result.message for result in batch.results]
        with self._database.reading(proof=Proof.NOW) as cursor:
            entries = look_up(cursor, ledger_query(messages))
        recorded = {m.key for m in admit_live(messages, entries).dropped}
        results = [
            SendResult(r.message, SendStatus.STALE) if r.message.key in recorded else r
            for r in batch.results
        ]
        return batch._replace(results=results)

    def _after_commit(
        self, batch: RecorderBatch, shard_writes: Sequence[ShardWrites], fenced: set[int]
    ) -> list[Message]:
        now = time.monotonic()
        for writes in shard_writes:
            owned = writes.owned
            if owned.shard in fenced:
                continue
            owned.transaction_number += 1
            owned.recorded_offset = writes.recorded_offset
            self._recorded_at[owned.shard] = now
        self._buffer.apply_commit(batch.results, batch.claims)
        if fenced:
            self._drop_fenced(batch, [w.owned for w in shard_writes if w.owned.shard in fenced])
        return batch.claims

    def _drop_fenced(self, batch: RecorderBatch, fenced: Sequence[OwnedShard]) -> None:
        """Drop shards that other owners took, unless they were taken over again meanwhile."""
        lost = {owned.shard for owned in fenced if self._buffer.owned(owned.shard) is owned}
        if lost:
            log.warning("shards fenced", shards=sorted(lost))
        for owned in fenced:
            self._buffer.drop_shard(owned)
        self._fenced = self._fenced | lost
        # The buffer returns these as late results, which are stored for the new owner.
        shards = {owned.shard for owned in fenced}
        self._buffer.add_results([r for r in batch.results if r.message.record.shard in shards])


def _repeated_late(late: Sequence[tuple[int, LedgerRow]]) -> Counter[RepeatedKey]:
    """Count the sends that were repeated after a doubt by this sender, which has lost the shard."""
    repeated: Counter[RepeatedKey] = Counter()
    for shard, row in late:
        repeated += repeated_sends(shard, [row])
    return repeated
