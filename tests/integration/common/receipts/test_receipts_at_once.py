"""Writers at the same time, beside an owner that records and turns back: counters are the rows."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from campaign_common.database import Cursor
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.store.maintenance.consistency import read_shard
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_changes,
    count_rewrites,
    insert_outcomes,
    look_up,
)
from campaign_common.store.receipts.receipt_rows import ReceiptPlace, lock_receipts
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from campaign_common.store.receipts.turned_back import take_receipts_out
from tests.integration.common.receipts.scene import CAMPAIGN, SHARDS, ReceiptScene, receipt

SEQS = range(1, 25)
WRITERS = 4
ROUNDS = 30
"""Rounds of each thread; a moment is sampled about every 20 ms of them."""
LONGEST = 60.0
RANKS = [rank for rank in ReceiptRank if rank]


def test_counters_are_the_rows_at_every_moment(receipts: ReceiptScene) -> None:
    """Each sample is one statement, and no receipt counts as sent whose message is not."""
    stop = threading.Event()
    generations = dict.fromkeys(SEQS, 0)
    threads = [Worker(writing(receipts, generations, seed), stop) for seed in range(WRITERS)]
    threads.append(Worker(owning(receipts, generations), stop))
    closed = 0
    with running(threads, stop):
        for _ in samples(lambda: all(thread.rounds > ROUNDS for thread in threads)):
            closed += sum(require_agreement(receipts, shard) for shard in range(SHARDS))
    assert max(generations.values()) > 1
    assert receipts.counted() == receipts.recounted()
    assert receipts.listed_as_open() == receipts.open()
    assert closed > 100, "hardly any sample had a receipt of a sent message"


class Worker(threading.Thread):
    """Does one round after the other, and fails the test with its error."""

    def __init__(self, rounds: Iterator[None], stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.rounds = 0
        self.error: BaseException | None = None
        self._each = rounds
        self._stop_soon = stop

    def run(self) -> None:
        try:
            for _ in self._each:
                self.rounds += 1
                if self._stop_soon.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised in the test
            self.error = error


@contextmanager
def running(threads: Sequence[Worker], stop: threading.Event) -> Iterator[None]:
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    for thread in threads:
        if thread.error is not None:
            raise thread.error


def samples(enough: Callable[[], bool]) -> Iterator[None]:
    end = time.monotonic() + LONGEST
    while not enough():
        assert time.monotonic() < end, "the rounds take too long"
        yield
        time.sleep(0.02)


def require_agreement(scene: ReceiptScene, shard: int) -> int:
    """Compare what one statement reads; return the number of receipts of sent messages."""
    with scene.databases.of_shard(shard).reading() as cursor:
        numbers = read_shard(cursor, CAMPAIGN, shard)
    assert numbers.receipts == numbers.receipt_counters
    assert numbers.receipts_astray == 0
    assert numbers.ledger == numbers.counters
    closed = sum(n for (state, _), n in numbers.receipts.items() if state == ReceiptState.SENT)
    assert closed <= numbers.ledger.get(Status.SENT, 0)
    return closed


def writing(scene: ReceiptScene, generations: dict[int, int], seed: int) -> Iterator[None]:
    """Report about random messages in random order, of this generation, the last and the next."""
    chance = random.Random(seed)  # noqa: S311 - a choice of reports, no secret
    writer = ReceiptWriter(scene.databases)
    while True:
        batch: list[MessageReceipt] = []
        for seq in chance.choices(SEQS, k=chance.choice([1, 3, 12])):
            generation = max(0, generations[seq] + chance.choice([-1, *[0] * 8, 1]))
            batch.append(receipt(seq, chance.choice(RANKS), generation))
        writer.write(batch)
        yield


def owning(scene: ReceiptScene, generations: dict[int, int]) -> Iterator[None]:
    """Record messages as sent, and turn them back to a new generation, as an owner does."""
    chance = random.Random(99)  # noqa: S311 - a choice of messages, no secret
    while True:
        for shard in range(SHARDS):
            seqs = [seq for seq in chance.sample(SEQS, 8) if seq % SHARDS == shard]
            if seqs:
                scene.databases.of_shard(shard).run(one_turn(shard, seqs, generations))
        yield


def one_turn(
    shard: int, seqs: Sequence[int], generations: dict[int, int]
) -> Callable[[Cursor], None]:
    def work(cursor: Cursor) -> None:
        # A message leaves `sent` for its receipt, so that has a row.
        reported = lock_receipts(cursor, [ReceiptPlace(shard, CAMPAIGN, seq) for seq in seqs], {})
        entries = look_up(cursor, {(shard, CAMPAIGN): sorted(seqs)})
        back = [
            LedgerRow.requeued(key, entry)
            for key, entry in entries.items()
            if entry.status == Status.SENT and ReceiptPlace(shard, *key) in reported
        ]
        taken = {row.seq: row.generation for row in back}
        take_receipts_out(cursor, shard, CAMPAIGN, taken)
        insert_outcomes(cursor, shard, back)
        add_counts(cursor, count_rewrites(shard, back, entries))
        waiting = {key.seq for key, entry in entries.items() if entry.status == Status.WAITING}
        there = {key.seq for key in entries}
        rows = [
            LedgerRow(
                campaign_id=CAMPAIGN,
                seq=seq,
                status=Status.SENT,
                generation=generations[seq],
                try_number=1,
                attempts=1,
                replaces=seq in waiting,
            )
            for seq in seqs
            if seq in waiting or seq not in there
        ]
        insert_outcomes(cursor, shard, rows)
        add_counts(cursor, count_changes(shard, rows))
        generations.update(taken)

    return work
