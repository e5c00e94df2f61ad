"""Export of messages: the files that one can be read as, each written message by message."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from campaign_api.csv_export import csv_text

COLUMNS = (
    "seq",
    "phone",
    "name",
    "status",
    "attempts",
    "provider_message_id",
    "error_code",
    "at",
    "provider",
    "receipt",
    "receipt_code",
    "receipt_at",
)
"""Columns of every file, in this order."""

Messages = Sequence[Mapping[str, Any]]
"""Messages as in responses."""


class ExportFile(Protocol):
    """A file that is written from its beginning to its end, in pieces; a piece may be empty."""

    suffix: str
    """Without a dot."""
    content_type: str

    def begin(self) -> bytes:
        """Return what comes before the first message."""
        ...

    def add(self, messages: Messages) -> bytes:
        """Take messages, and return what is complete of the file by now."""
        ...

    def end(self) -> bytes:
        """Return the rest of the file."""
        ...


class CsvFile:
    """CSV (RFC 4180) that a spreadsheet runs nothing of."""

    suffix = "csv"
    content_type = "text/csv; charset=utf-8"

    def begin(self) -> bytes:
        """Return the header."""
        return csv_text([COLUMNS]).encode()

    def add(self, messages: Messages) -> bytes:
        """Return a line for each message."""
        return csv_text([tuple(row.values()) for row in rows(messages)]).encode()

    def end(self) -> bytes:
        """Return nothing."""
        return b""


class JsonLinesFile:
    """JSON Lines: an object a line, the values as they are stored, null where there is none."""

    suffix = "jsonl"
    content_type = "application/jsonl"

    def begin(self) -> bytes:
        """Return nothing."""
        return b""

    def add(self, messages: Messages) -> bytes:
        """Return a line for each message."""
        return msgspec.json.Encoder().encode_lines(list(rows(messages)))

    def end(self) -> bytes:
        """Return nothing."""
        return b""


def rows(messages: Messages) -> Iterable[dict[str, Any]]:
    """Return each message flat, with the columns in their order."""
    for message in messages:
        receipt = message["receipt"] or {}
        flat = {
            **message,
            "receipt": receipt.get("rank"),
            "receipt_code": receipt.get("code"),
            "receipt_at": receipt.get("at"),
        }
        yield {column: flat[column] for column in COLUMNS}
