"""Import of suppressions from a CSV file, as it arrives."""

import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

from campaign_api.errors import CsvRefused, UploadTooLarge
from campaign_api.lists.importer.columns import read_columns
from campaign_api.lists.importer.csv_format import CsvFormat
from campaign_api.lists.importer.line_reader import HashedFile, LineSource, Readable, read_lines
from campaign_api.lists.importer.row_parser import RowParser
from campaign_api.lists.importer.turn import PatientFile, Turn
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Database
from campaign_common.domain.recipient import NAME, PHONE
from campaign_common.domain.suppressions.suppression_scope import require_suppression_scope
from campaign_common.errors import SuppressionScopeInvalid
from campaign_common.settings import Settings
from campaign_common.store.recipients.rejects import Reject
from campaign_common.store.suppressions.imports import (
    ImportProgress,
    Wish,
    begin_import,
    end_import,
    import_suppressions,
)
from campaign_common.store.suppressions.suppressions import (
    LONGEST_NOTE,
    LONGEST_REASON,
    LONGEST_SOURCE,
)

COLUMNS = frozenset({NAME, PHONE, *Wish._fields})
"""Columns that a file may have; that of names is ignored."""

BATCH_ROWS = 10_000

SHOWN_REJECTS = 20

LONGEST = {"reason": LONGEST_REASON, "source": LONGEST_SOURCE, "note": LONGEST_NOTE}


class Defaults(NamedTuple):
    """Values of the columns that a file lacks."""

    scope: str
    reason: str
    source: str


class SuppressionImport:
    """Importer of files of suppressions; it holds a few batches at a time, whatever their size."""

    def __init__(self, database: Database, settings: Settings, turn: Turn) -> None:
        self._transactions = RetryingTransactions(database, settings.timeout)
        self._limits = settings.import_
        self._most_rows = settings.api.max_upload_rows
        self._turn = turn

    def run(
        self, file: Readable, csv_format: CsvFormat, defaults: Defaults, actor: str
    ) -> dict[str, Any]:
        """Import a file; return how many rows were accepted and rejected, and the first rejects.

        What was stored before an error stays. In either case senders look up what they hold; after
        an error of the database, or where this process is killed, once the sweep finds the import.

        Raises:
            CsvRefused: the file has no such columns, or no row that is accepted.
            UploadTooLarge: it has more rows than an upload may have.
            RetryLater: the database was unavailable for as long as transactions are retried.
        """
        rows = _Rows(self._parsed(file, csv_format), defaults, self._most_rows)
        waiting: Future[None] | None = None
        progress = ImportProgress(0, 0, 0)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="import") as thread:
            try:
                while batch := self._next(rows):
                    if waiting is None:
                        begin = partial(begin_import, actor=actor, source=defaults.source)
                        progress = progress._replace(import_id=self._transactions.run(begin))
                    else:
                        waiting.result()
                    progress = progress._replace(accepted=rows.accepted, rejected=rows.rejected)
                    work = partial(import_suppressions, rows=batch, progress=progress)
                    waiting = thread.submit(self._transactions.run, work)
                if waiting is not None:
                    waiting.result()
            finally:
                if waiting is not None:
                    wait([waiting])  # a batch that is committed later would not be looked up
                    if waiting.exception() is None:
                        progress = progress._replace(accepted=rows.accepted, rejected=rows.rejected)
                        self._transactions.run(partial(end_import, progress=progress))
        rows.require_some()
        return {
            "accepted": rows.accepted,
            "rejected": rows.rejected,
            "first_rejects": rows.first_rejects,
        }

    def _parsed(self, file: Readable, csv_format: CsvFormat) -> Iterator[list[Any]]:
        """Yield batches of rows and rejects, computed in turns with other imports."""
        limits = self._limits
        with self._turn:
            hashed = HashedFile(PatientFile(file, self._turn))
            source = LineSource(read_lines(hashed, limits.max_line_bytes, csv_format.encoding))
            columns = read_columns(source, limits.max_columns, csv_format)
            foreign = sorted(set(columns.names) - COLUMNS)
        if foreign:
            raise CsvRefused(f"there is no column {foreign[0][:64]}; there are {_listed()}")
        parsed = RowParser(
            columns, limits.max_field_length, limits.max_line_bytes, csv_format
        ).rows(source)
        while True:
            with self._turn:
                batch = list(islice(parsed, BATCH_ROWS))
            if not batch:
                return
            yield batch

    def _next(self, rows: "_Rows") -> dict[Wish, list[str]]:
        while (batch := rows.take()) is not None:
            if batch:
                return batch
        return {}


class _Rows:
    """Suppressions of parsed rows, and the counts of those that are none."""

    def __init__(self, parsed: Iterator[list[Any]], defaults: Defaults, most: int | None) -> None:
        self._parsed = parsed
        self._defaults = defaults
        self._most = most
        self.accepted = 0
        self.rejected = 0
        self.first_rejects: list[dict[str, object]] = []
        self._of_attributes = lru_cache(maxsize=1_000)(self._read)

    def take(self) -> dict[Wish, list[str]] | None:
        """Return the suppressions of the next batch, the numbers of each wish; None at the end."""
        parsed = next(self._parsed, None)
        if parsed is None:
            return None
        by_attributes: dict[str | None, list[str]] = defaultdict(list)
        for row in parsed:
            if isinstance(row, Reject):
                self._reject(row.line, row.reason)
            else:
                by_attributes[row.attributes].append(row.phone)
        batch: dict[Wish, list[str]] = defaultdict(list)
        for attributes, phones in by_attributes.items():
            wish = self._of_attributes(attributes)
            if isinstance(wish, str):
                for _ in phones:
                    self._reject(None, wish)
            else:
                batch[wish] += phones
                self.accepted += len(phones)
        if self._most is not None and self.accepted + self.rejected > self._most:
            raise UploadTooLarge(f"the file has more than {self._most} data rows")
        return batch

    def require_some(self) -> None:
        """Require a row that was accepted.

        Raises:
            CsvRefused: there is none.
        """
        if self.accepted:
            return
        if not self.rejected:
            raise CsvRefused("the file has no data row")
        shown = self.first_rejects[0]["reason"]
        raise CsvRefused(f"none of the {self.rejected} data rows was accepted: {shown}")

    def _reject(self, line: int | None, reason: str) -> None:
        self.rejected += 1
        if len(self.first_rejects) < SHOWN_REJECTS:
            self.first_rejects.append({"line": line, "reason": reason})

    def _read(self, attributes: str | None) -> Wish | str:
        """Return a suppression without its number, or why there is none."""
        given: dict[str, str] = {} if attributes is None else json.loads(attributes)
        scope, reason, source = (given.get(n) or d for n, d in self._defaults._asdict().items())
        for name, longest in LONGEST.items():
            if len(given.get(name, "")) > longest:
                return f"{name} is longer than {longest} characters"
        if not reason.isascii():
            return "reason is not ASCII"
        try:
            scope = require_suppression_scope(scope)
            since, until = (_moment(given.get(name, "")) for name in ("since", "until"))
        except SuppressionScopeInvalid as error:
            return f"scope {error}"
        except (ValueError, OverflowError):  # the year is 10000 in UTC
            return "since or until is no time such as 2026-01-31T09:30:00Z"
        return Wish(scope, reason, source, since, until, given.get("note") or None)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text.upper())
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).replace(tzinfo=None)


def _listed() -> str:
    return ", ".join((PHONE, *Wish._fields))
