"""Loader: writes rows to the database while the next ones are parsed."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from campaign_api.erased.arrivals import ErasedArrivals
from campaign_api.lists.importer.turn import Turn
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor
from campaign_common.domain.recipient import ListId
from campaign_common.planning.errors import ImportAbandoned
from campaign_common.store.recipients.recipient_lists import touch_list
from campaign_common.store.recipients.recipients import (
    NewRecipient,
    insert_erased,
    insert_recipients,
)
from campaign_common.store.recipients.rejects import Reject, insert_rejects

MOST_CHARACTERS = 1_000_000
"""Text in one batch, so that a batch of wide rows stays a few megabytes."""

MOST_WAITING = 2
"""Batches parsed ahead of the database."""


@dataclass
class Batch:
    """Rows and rejects that are written in one transaction."""

    rows: list[NewRecipient] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def insert(self, cursor: Cursor, list_id: ListId, turn: Turn, arrivals: ErasedArrivals) -> int:
        """Insert the rows and rejects of a list, computing in `turn`; may be repeated.

        Return how many rows were inserted: no row whose phone the list holds already. Of people
        who were erased the rows hold nothing.

        Raises:
            ErasureKeyMissing: people were erased with a key that is not configured here.
        """
        rows, erased_seqs = arrivals.split(cursor, self.rows, turn)
        accepted = insert_recipients(cursor, list_id, rows, turn)
        accepted += insert_erased(cursor, list_id, erased_seqs, arrivals.shards)
        insert_rejects(cursor, list_id, self.rejects)
        return accepted


def batches(parsed: Iterable[NewRecipient | Reject], most_rows: int) -> Iterator[Batch]:
    """Group rows and rejects, in order, into batches bounded in number and in text."""
    batch = Batch()
    room, characters = most_rows, 0
    for row in parsed:
        if isinstance(row, NewRecipient):
            batch.rows.append(row)
            if row.attributes:
                characters += len(row.attributes)
        else:
            batch.rejects.append(row)
            characters += len(row.raw_text)
        room -= 1
        if room == 0 or characters > MOST_CHARACTERS:
            yield batch
            batch = Batch()
            room, characters = most_rows, 0
    if batch.rows or batch.rejects:
        yield batch


class Loader:
    """Writes batches of one list in order, in a thread of its own; a context manager."""

    def __init__(
        self,
        transactions: RetryingTransactions,
        list_id: ListId,
        turn: Turn,
        arrivals: ErasedArrivals,
    ) -> None:
        self._transactions = transactions
        self._arrivals = arrivals
        self._turn = turn
        self._list_id = list_id
        self._waiting: deque[Future[None]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def write(self, batch: Batch) -> None:
        """Queue a batch; waits while too many are queued already.

        Raises:
            ImportAbandoned: the list was given up meanwhile.
            ErasureKeyMissing: people were erased with a key that is not configured here.
            RetryLater: no transaction was committed for as long as `transactions` retries.
        """
        while len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._write, batch))

    def finish(self) -> None:
        """Wait until everything queued is committed; raise what `write` raises."""
        while self._waiting:
            self._waiting.popleft().result()

    def _write(self, batch: Batch) -> None:
        # Every statement here may be repeated, so a COMMIT whose answer was lost may too.
        def insert(cursor: Cursor) -> None:
            if not touch_list(cursor, self._list_id):
                raise ImportAbandoned("the import stood still for too long; send it again")
            batch.insert(cursor, self._list_id, self._turn, self._arrivals)

        self._transactions.run(insert)
