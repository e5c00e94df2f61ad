"""Parser of lines into rows and rejects: every data row becomes exactly one of the two."""

from collections.abc import Iterator

import msgspec

from campaign_api.lists.importer.columns import MOST_LINES, Columns
from campaign_api.lists.importer.csv_format import PLAIN, CsvFormat
from campaign_api.lists.importer.line_reader import LONGEST_RAW_TEXT, BadLine, LineSource
from campaign_api.lists.importer.phones import phone_reader
from campaign_api.lists.importer.record import is_open, split_record
from campaign_common.domain.recipient import (
    LONGEST_NAME,
    NAME,
    NAME_TOO_LONG,
    PHONE,
    is_unseen,
)
from campaign_common.store.recipients.recipients import NewRecipient
from campaign_common.store.recipients.rejects import Reject

QUOTES_WRONG = "quotes are not as RFC 4180 has them"
QUOTE_UNCLOSED = "a quote is not closed"
COLUMN_COUNT = "{} columns where {} are expected ({})"
FIELD_TOO_LONG = "{} is longer than {} characters"

_json = msgspec.json.Encoder()


class RowParser:
    """Parser of lines; numbers the valid rows from 1 on, in the order of the file."""

    def __init__(
        self,
        columns: Columns,
        longest_field: int,
        longest_record: int,
        csv_format: CsvFormat = PLAIN,
    ) -> None:
        self._columns = columns
        self._delimiter = columns.delimiter
        self._read_phone, self._phone_fault = phone_reader(csv_format.default_region)
        self._width = len(columns.names)
        self._phone = columns.names.index(PHONE)
        self._name = columns.names.index(NAME) if NAME in columns.names else None
        self._attributes = [
            (name, position)
            for position, name in enumerate(columns.names)
            if name not in (NAME, PHONE)
        ]
        self._longest_field = longest_field
        self._longest_record = longest_record
        self._seq = 0

    def rows(self, source: LineSource) -> Iterator[NewRecipient | Reject]:
        """Yield every data row of `source`, accepted or rejected."""
        while (line := source.take()) is not None:
            if isinstance(line, BadLine):
                yield Reject(source.number, line.reason, line.raw_text)
            elif '"' in line:
                yield self._quoted(line, source)
            elif line and not line.isspace():
                yield self._row(line.split(self._delimiter), source.number, line)

    def _quoted(self, line: str, source: LineSource) -> NewRecipient | Reject:
        number = source.number
        if not is_open(line):
            fields = split_record(line, self._delimiter)
            return (
                _reject(number, QUOTES_WRONG, line)
                if fields is None
                else self._row(fields, number, line)
            )
        joined = self._joined(line, source)
        if joined is not None:
            record, more_lines = joined
            fields = split_record(record, self._delimiter)
            if fields is not None and self._fits(fields):
                for _ in range(more_lines):
                    source.take()
                return self._row(fields, number, record)
        # One line is given up, and reading goes on with the next: a single lost quote must
        # not take the rows below it along.
        return _reject(number, QUOTE_UNCLOSED, line)

    def _joined(self, line: str, source: LineSource) -> tuple[str, int] | None:
        """Join a record that continues in the next lines; return None if it does not end nearby."""
        parts = [line]
        length = len(line)
        for distance in range(1, MOST_LINES):
            following = source.look_ahead(distance)
            if not isinstance(following, str):
                return None
            parts.append(following)
            length += len(following) + 1
            if length > self._longest_record:
                return None
            if '"' in following:
                if is_open(following):
                    return "\n".join(parts), distance
            elif self._is_row(following):
                return None
        return None

    def _is_row(self, line: str) -> bool:
        # A line that is a valid row is not the inside of a quoted field.
        fields = line.split(self._delimiter)
        return self._fits(fields) and self._read_phone(fields[self._phone]) is not None

    def _fits(self, fields: list[str]) -> bool:
        # Fields beyond the last column that has a name are none, while they have no value.
        width = self._width
        return len(fields) >= width and all(map(is_unseen, fields[width:]))

    def _row(self, fields: list[str], number: int, record: str) -> NewRecipient | Reject:
        if len(fields) != self._width and not self._fits(fields):
            named = ", ".join(self._columns.names)
            reason = COLUMN_COUNT.format(len(fields), self._width, named)
            return _reject(number, reason, record)
        phone = self._read_phone(fields[self._phone])
        if phone is None:
            return _reject(number, self._phone_fault(fields[self._phone]), record)
        name = "" if self._name is None else fields[self._name].strip()
        if len(name) > LONGEST_NAME:
            return _reject(number, NAME_TOO_LONG, record)
        attributes = None
        if self._attributes:
            values = {column: fields[position].strip() for column, position in self._attributes}
            longest = self._longest_field
            if len(record) > longest and max(map(len, values.values())) > longest:
                long = next(c for c, value in values.items() if len(value) > longest)
                reason = FIELD_TOO_LONG.format(long, longest)
                return _reject(number, reason, record)
            attributes = _json.encode(values).decode()
        self._seq += 1
        return NewRecipient(self._seq, phone, name, attributes)


def _reject(number: int, reason: str, record: str) -> Reject:
    return Reject(number, reason[:255], record[:LONGEST_RAW_TEXT])
