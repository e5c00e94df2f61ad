"""Import of one file as a new recipient list."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Generic, TypeVar

import structlog

from campaign_api.erased.arrivals import ErasedArrivals, ErasureRegister
from campaign_api.errors import CsvRefused, UploadTooLarge
from campaign_api.lists.importer.columns import Header, read_columns
from campaign_api.lists.importer.csv_format import PLAIN, CsvFormat
from campaign_api.lists.importer.heartbeat import heartbeat
from campaign_api.lists.importer.line_reader import HashedFile, LineSource, Readable, read_lines
from campaign_api.lists.importer.loader import Batch, Loader, batches
from campaign_api.lists.importer.row_parser import RowParser
from campaign_api.lists.importer.turn import PatientFile, Turn
from campaign_api.metrics import ImportMetrics
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor
from campaign_common.domain.recipient import NAME, ListId
from campaign_common.errors import RetryLater
from campaign_common.settings import ImportSettings
from campaign_common.store.recipients import recipient_lists
from campaign_common.store.recipients.recipient_lists import (
    ImportTotals,
    ListState,
    RecipientList,
    begin_list,
    lock_state,
)
from campaign_common.store.recipients.recipients import (
    NewRecipient,
    count_recipients,
)
from campaign_common.store.recipients.rejects import Reject

log = structlog.get_logger(__name__)

T = TypeVar("T")

COUNTED_AT_ONCE = 500_000
"""Rows counted by one statement, which must end within QueryTimeout."""

SHOWN_REJECTS = 3
"""Rejects named when no row of a file was accepted."""


class _RowCounts:
    """Counts of rows while they are iterated, and the first rejects."""

    def __init__(self) -> None:
        self.valid = 0
        self.rejected = 0
        self.first_rejects: list[Reject] = []

    def watch(self, parsed: Iterable[NewRecipient | Reject]) -> Iterator[NewRecipient | Reject]:
        """Count `parsed` as it is iterated over."""
        for row in parsed:
            if isinstance(row, NewRecipient):
                self.valid += 1
            else:
                self.rejected += 1
                if len(self.first_rejects) < SHOWN_REJECTS:
                    self.first_rejects.append(row)
            yield row

    def require_some(self) -> None:
        """Require a row that was accepted.

        Raises:
            CsvRefused: there is none.
        """
        if self.valid:
            return
        if not self.rejected:
            raise CsvRefused("the file has no data row")
        shown = "; ".join(f"line {line}: {reason}" for line, reason, _ in self.first_rejects)
        raise CsvRefused(f"none of the {self.rejected} data rows was accepted: {shown}")


class CsvImporter:
    """Imports CSV files; holds a few megabytes at a time, however large the file is.

    A process has one, whose imports take turns.
    """

    def __init__(
        self,
        transactions: RetryingTransactions,
        limits: ImportSettings,
        metrics: ImportMetrics,
        erasures: ErasureRegister,
    ) -> None:
        self._erasures = erasures
        self._transactions = transactions
        self._metrics = metrics
        self._limits = limits
        self._turn = Turn()

    def run(
        self,
        file: Readable,
        name: str,
        check_columns: Callable[[Iterable[str]], None] | None = None,
        csv_format: CsvFormat = PLAIN,
        most_rows: int | None = None,
        *,
        reconsented: bool = False,
    ) -> RecipientList:
        """Import `file` as a list called `name` that stays `importing` for now.

        The caller makes it ready together with what uses it, or discards it.

        Raises:
            as `run_into`.
        """
        made, _ = self.run_into(
            file, name, _leave, check_columns, csv_format, most_rows, reconsented=reconsented
        )
        return made

    def run_into(
        self,
        file: Readable,
        name: str,
        use: Callable[[Cursor, RecipientList], T],
        check_columns: Callable[[Iterable[str]], None] | None = None,
        csv_format: CsvFormat = PLAIN,
        most_rows: int | None = None,
        *,
        reconsented: bool = False,
    ) -> tuple[RecipientList, T]:
        """Import `file` as a list called `name`; return it and the result of `use`.

        `use` makes the list ready, in the transaction that inserts a list of one batch, and in one
        of its own otherwise. It may be repeated after a lost COMMIT. A list whose import ends with
        an error is discarded. Of people who were erased nothing is stored but that they are in
        the list, unless they have `reconsented`.

        Raises:
            CsvRefused: the file is empty, no recipient list, or has no row to accept.
            UploadTooLarge: it has more than `most_rows` data rows.
            ImportAbandoned: the list was given up meanwhile.
            ErasureKeyMissing: people were erased with a key that is not configured here.
            RetryLater: no transaction was committed for as long as `transactions` retries.
            Exception: what `use` raises.
        """
        limits = self._limits
        hashed = HashedFile(PatientFile(file, self._turn))
        with self._turn:
            source = LineSource(read_lines(hashed, limits.max_line_bytes, csv_format.encoding))
            columns = read_columns(source, limits.max_columns, csv_format)
            has_rows = source.look_ahead(1) is not None
        if check_columns is not None:
            check_columns(columns.names)
        if not has_rows:
            raise CsvRefused(
                "the file has a header and no data row"
                if columns.header is not Header.NONE
                else "the file is empty"
            )
        parser = RowParser(columns, limits.max_field_length, limits.max_line_bytes, csv_format)
        tally = _RowCounts()

        def imported(list_id: ListId, accepted: int) -> RecipientList:
            return RecipientList(
                id=list_id,
                name=name,
                state=ListState.IMPORTING,
                sha256=hashed.hexdigest(),
                has_name=NAME in columns.names,
                header=columns.header.value,
                attribute_columns=columns.attributes,
                totals=ImportTotals(accepted, tally.valid - accepted, tally.rejected),
                last_seq=tally.valid,
            )

        began = time.monotonic()
        with self._metrics.running():
            arrivals = self._erasures.begin(reconsented=reconsented)
            arriving = self._batches(tally, parser.rows(source), most_rows)
            first, second = next(arriving, Batch()), next(arriving, None)
            if second is None:
                tally.require_some()
                insertion = _Insertion(name, first, imported, use, self._turn, arrivals)
                made, result = self._transactions.run(insertion.insert)
            else:
                rest = chain((first, second), arriving)
                made = imported(*self._load(name, tally, rest, arrivals))
                result = self._use(made, use)
        if arrivals.count:
            log.info("erased people left out", list_id=made.id, people=arrivals.count)
        self._metrics.made(made.totals, time.monotonic() - began)
        return made, result

    def discard(self, list_id: ListId) -> None:
        """Discard a list; if the database is down, the sweep does so later."""
        with suppress(RetryLater):
            self._transactions.database.run(
                lambda cursor: recipient_lists.discard_list(cursor, list_id)
            )

    def _load(
        self,
        name: str,
        tally: _RowCounts,
        arriving: Iterable[Batch],
        arrivals: ErasedArrivals,
    ) -> tuple[ListId, int]:
        """Insert the batches of a list; return its id and how many rows were accepted."""
        list_id = self._transactions.run(partial(begin_list, name=name))
        try:
            self._load_batches(list_id, arriving, arrivals)
            tally.require_some()
            # Counted, not summed up: how many rows a statement inserted is not known when
            # the answer to its COMMIT was lost.
            return list_id, self._count(list_id, tally.valid)
        except BaseException:
            self.discard(list_id)
            raise

    def _use(self, made: RecipientList, use: Callable[[Cursor, RecipientList], T]) -> T:
        try:
            return self._transactions.run(partial(_used, made, use))
        except BaseException:
            self.discard(made.id)
            raise

    def _batches(
        self, tally: _RowCounts, parsed: Iterable[NewRecipient | Reject], most_rows: int | None
    ) -> Iterator[Batch]:
        arriving = batches(tally.watch(parsed), self._limits.batch_rows)
        while True:
            with self._turn:
                batch = next(arriving, None)
            if batch is None:
                return
            if most_rows is not None and tally.valid + tally.rejected > most_rows:
                raise UploadTooLarge(f"the file has more than {most_rows} data rows")
            yield batch

    def _load_batches(
        self, list_id: ListId, arriving: Iterable[Batch], arrivals: ErasedArrivals
    ) -> None:
        with (
            heartbeat(self._transactions.database, list_id),
            Loader(self._transactions, list_id, self._turn, arrivals) as loader,
        ):
            for batch in arriving:
                loader.write(batch)
            loader.finish()

    def _count(self, list_id: ListId, last_seq: int) -> int:
        accepted = 0
        for first in range(1, last_seq + 1, COUNTED_AT_ONCE):
            last = min(first + COUNTED_AT_ONCE - 1, last_seq)
            accepted += self._transactions.run(partial(_count, list_id, first, last))
        return accepted


def _count(list_id: ListId, first: int, last: int, cursor: Cursor) -> int:
    return count_recipients(cursor, list_id, first, last)


def _used(made: RecipientList, use: Callable[[Cursor, RecipientList], T], cursor: Cursor) -> T:
    return use(cursor, made)


def _leave(_: Cursor, made: RecipientList) -> None:
    """Leave a list to the caller, who makes it ready."""


class _Insertion(Generic[T]):
    """Insertion of a list of one batch, and its use, as one transaction that may be repeated."""

    def __init__(
        self,
        name: str,
        batch: Batch,
        imported: Callable[[ListId, int], RecipientList],
        use: Callable[[Cursor, RecipientList], T],
        turn: Turn,
        arrivals: ErasedArrivals,
    ) -> None:
        self._arrivals = arrivals
        self._made: RecipientList | None = None
        self._turn = turn
        self._name = name
        self._batch = batch
        self._imported = imported
        self._use = use

    def insert(self, cursor: Cursor) -> tuple[RecipientList, T]:
        """Insert and use the list, unless an earlier COMMIT had its effect after all."""
        made = self._made
        if made is None or lock_state(cursor, made.id) is None:
            list_id = begin_list(cursor, self._name)
            accepted = self._batch.insert(cursor, list_id, self._turn, self._arrivals)
            made = self._made = self._imported(list_id, accepted)
        return made, self._use(cursor, made)
