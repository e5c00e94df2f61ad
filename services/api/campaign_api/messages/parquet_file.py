"""Parquet export of messages; pyarrow, which writes it, is an extra of the package."""

import io
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaign_api.errors import ParquetMissing
from campaign_api.messages.message_export import COLUMNS, Messages, rows

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

GROUP_ROWS = 20_000
"""Messages of a row group, which are held in memory until it is complete."""

TIMES = frozenset({"at", "receipt_at"})
NUMBERS = {"seq": "int64", "attempts": "int32"}


class ParquetFile:
    """Parquet with row groups of a fixed number of messages, compressed by Snappy."""

    suffix = "parquet"
    content_type = "application/vnd.apache.parquet"

    def __init__(self) -> None:
        """Begin a file.

        Raises:
            ParquetMissing: pyarrow is not installed.
        """
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra, and 0.2 s for those who have it
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError as error:
            raise ParquetMissing("Parquet needs the extra camp-mgr[parquet] (pyarrow)") from error
        self._pyarrow = pa
        self._schema = pa.schema([(column, self._type(column)) for column in COLUMNS])
        self._written = _Pieces()
        self._writer = parquet.ParquetWriter(self._written, self._schema)
        self._held: list[Mapping[str, Any]] = []

    def begin(self) -> bytes:
        """Return the mark of the format."""
        return self._written.taken()

    def add(self, messages: Messages) -> bytes:
        """Return the row groups that are complete by now."""
        self._held += rows(messages)
        while len(self._held) >= GROUP_ROWS:
            self._write_group()
        return self._written.taken()

    def end(self) -> bytes:
        """Return the last row group and the footer."""
        if self._held:
            self._write_group()
        self._writer.close()
        return self._written.taken()

    def _write_group(self) -> None:
        group, self._held = self._held[:GROUP_ROWS], self._held[GROUP_ROWS:]
        columns = [
            self._pyarrow.array([_value(row[name], name) for row in group], self._type(name))
            for name in COLUMNS
        ]
        table = self._pyarrow.Table.from_arrays(columns, schema=self._schema)
        self._writer.write_table(table, row_group_size=GROUP_ROWS)

    def _type(self, column: str) -> Any:  # noqa: ANN401 - pyarrow has no types
        if column in TIMES:
            return self._pyarrow.timestamp("ms", tz="UTC")
        return self._pyarrow.type_for_alias(NUMBERS.get(column, "string"))


class _Pieces(io.RawIOBase):
    """Pieces that were written since they were taken last."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, piece: "ReadableBuffer", /) -> int:
        """Keep a piece."""
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        """Return all pieces, and forget them."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def _value(value: Any, column: str) -> Any:  # noqa: ANN401 - of any column
    return datetime.fromisoformat(value) if column in TIMES and value is not None else value
