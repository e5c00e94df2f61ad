"""Import of one file as a new recipient list."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from campaign_api.errors import CsvRefused, UploadTooLarge
from campaign_api.lists.importer.columns import Header, read_columns
from campaign_api.lists.importer.csv_format import PLAIN, CsvFormat
from campaign_api.lists.importer.heartbeat import heartbeat
from campaign_api.lists.importer.line_reader import HashedFile, LineSource, Readable, read_lines
from campaign_api.lists.importer.loader import Loader, batches
from campaign_api.lists.importer.row_parser import RowParser
from campaign_api.metrics import ImportMetrics
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor
from campaign_common.domain.recipient import NAME, ListId
from campaign_common.errors import RetryLater
from campaign_common.settings import ImportSettings
from campaign_common.store.recipients import recipient_lists
from campaign_common.store.recipients.recipient_lists import ImportTotals, ListState, RecipientList
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
        for row in parsed:
            if isinstance(row, NewRecipient):
                self.valid += 1
            else:
                self.rejected += 1
                if len(self.first_rejects) < SHOWN_REJECTS:
                    self.first_rejects.append(row)
            yield row


class CsvImporter:
    """Imports CSV files; holds a few megabytes at a time, however large the file is."""

    def __init__(
        self, transactions: RetryingTransactions, limits: ImportSettings, metrics: ImportMetrics
    ) -> None:
        self._transactions = transactions
        self._metrics = metrics
        self._limits = limits

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
        hashed = HashedFile(file)
        source = LineSource(read_lines(hashed, self._limits.max_line_bytes, csv_format.encoding))
        columns = read_columns(source, self._limits.max_columns, csv_format)
        if check_columns is not None:
            check_columns(columns.names)
        if source.look_ahead(1) is None:
            raise CsvRefused(
                "the file has a header and no data row"
                if columns.header is not Header.NONE
                else "the file is empty"
            )
        limits = self._limits
        parser = RowParser(columns, limits.max_field_length, limits.max_line_bytes, csv_format)
        list_id = self._transactions.run(lambda cursor: recipient_lists.begin_list(cursor, name))
        began = time.monotonic()
        try:
            with self._metrics.running():
                totals, last_seq = self._load(parser.rows(source), list_id, most_rows)
        except BaseException:
            self.discard(list_id)
            raise
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
        self, parsed: Iterable[NewRecipient | Reject], list_id: ListId, most_rows: int | None
    ) -> tuple[ImportTotals, int]:
        tally = _RowCounts()
        with (
            heartbeat(self._transactions.database, list_id),
            Loader(self._transactions, list_id) as loader,
        ):
            for batch in batches(tally.watch(parsed), self._limits.batch_rows):
                if most_rows is not None and tally.valid + tally.rejected > most_rows:
                    raise UploadTooLarge(f"the file has more than {most_rows} data rows")
                loader.write(batch)
            loader.finish()
        if not tally.valid:
            raise _nothing_accepted(tally)
        # Counted, not summed up: how many rows a statement inserted is not known when the
        # answer to its COMMIT was lost.
        accepted = self._count(list_id, tally.valid)
        return ImportTotals(accepted, tally.valid - accepted, tally.rejected), tally.valid

    def _count(self, list_id: ListId, last_seq: int) -> int:
        accepted = 0
        for first in range(1, last_seq + 1, COUNTED_AT_ONCE):
            last = min(first + COUNTED_AT_ONCE - 1, last_seq)
            accepted += self._transactions.run(partial(_count, list_id, first, last))
        return accepted


def _count(list_id: ListId, first: int, last: int, cursor: Cursor) -> int:
    return count_recipients(cursor, list_id, first, last)


def _nothing_accepted(tally: _RowCounts) -> CsvRefused:
    if not tally.rejected:
        return CsvRefused("the file has no data row")
    shown = "; ".join(f"line {line}: {reason}" for line, reason, _ in tally.first_rejects)
    return CsvRefused(f"none of the {tally.rejected} data rows was accepted: {shown}")
