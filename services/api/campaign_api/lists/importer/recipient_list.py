"""Import of one file as a new recipient list."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain

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
)
from campaign_common.store.recipients.recipients import (
    NewRecipient,
    count_recipients,
)
from campaign_common.store.recipients.rejects import Reject

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
        self, transactions: RetryingTransactions, limits: ImportSettings, metrics: ImportMetrics
    ) -> None:
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
    ) -> RecipientList:
        """Import `file` as a list called `name` that stays `importing` for now.

        The caller makes it ready together with what uses it, or discards it. A list whose
        import ends here with an error is discarded.

        Raises:
            CsvRefused: the file is empty, no recipient list, or has no row to accept.
            UploadTooLarge: it has more than `most_rows` data rows.
            ImportAbandoned: the list was given up meanwhile.
            RetryLater: no transaction was committed for as long as `transactions` retries.
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
        began = time.monotonic()
        with self._metrics.running():
            list_id, totals, last_seq = self._load(parser.rows(source), name, most_rows)
        self._metrics.made(totals, time.monotonic() - began)
        return RecipientList(
            id=list_id,
            name=name,
            state=ListState.IMPORTING,
            sha256=hashed.hexdigest(),
            has_name=NAME in columns.names,
            header=columns.header.value,
            attribute_columns=columns.attributes,
            totals=totals,
            last_seq=last_seq,
        )

    def discard(self, list_id: ListId) -> None:
        """Discard a list; if the database is down, the sweep does so later."""
        with suppress(RetryLater):
            self._transactions.database.run(
                lambda cursor: recipient_lists.discard_list(cursor, list_id)
            )

    def _load(
        self, parsed: Iterable[NewRecipient | Reject], name: str, most_rows: int | None
    ) -> tuple[ListId, ImportTotals, int]:
        tally = _RowCounts()
        arriving = self._batches(tally, parsed, most_rows)
        first, second = next(arriving, Batch()), next(arriving, None)
        if second is None:
            tally.require_some()
            insert = partial(_insert_whole, name, first, self._turn)
            list_id, accepted = self._transactions.run(insert)
        else:
            list_id = self._transactions.run(partial(begin_list, name=name))
            try:
                self._load_batches(list_id, chain((first, second), arriving))
                tally.require_some()
                # Counted, not summed up: how many rows a statement inserted is not known when
                # the answer to its COMMIT was lost.
                accepted = self._count(list_id, tally.valid)
            except BaseException:
                self.discard(list_id)
                raise
        totals = ImportTotals(accepted, tally.valid - accepted, tally.rejected)
        return list_id, totals, tally.valid

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

    def _load_batches(self, list_id: ListId, arriving: Iterable[Batch]) -> None:
        with (
            heartbeat(self._transactions.database, list_id),
            Loader(self._transactions, list_id, self._turn) as loader,
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


def _insert_whole(name: str, batch: Batch, turn: Turn, cursor: Cursor) -> tuple[ListId, int]:
    """Insert a list of one batch; where it is repeated, the sweep discards what was made before."""
    list_id = begin_list(cursor, name)
    batch.insert(cursor, list_id, turn)
    return list_id, count_recipients(cursor, list_id, 1, len(batch.rows))
