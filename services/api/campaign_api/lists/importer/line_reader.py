"""Reader of the lines of a file, a block at a time."""

import codecs
import hashlib
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from campaign_api.errors import CsvRefused
from campaign_api.lists.importer.csv_format import UTF_8
from campaign_api.lists.importer.transcoding import transcoded

BLOCK_BYTES = 256 * 1024
LONGEST_RAW_TEXT = 2000
"""Characters kept of a rejected line; recipient_rejects.raw_text holds no more."""

LINE_TOO_LONG = "line is longer than {} bytes"
NOT_DECODABLE = "line is not valid {}"
NO_TEXT = (
    "the file holds NUL bytes, so it is no text; if a program has written it as UTF-16, say so with"
    " encoding=utf-16, or save it as UTF-8"
)

COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip, zip (also Excel's files), bzip2, xz and zstd."""

_LONGEST_CHARACTER = 4  # bytes of one character in UTF-8


class BadLine(NamedTuple):
    """A line that cannot be read as text, or is too long to be."""

    reason: str
    raw_text: str


TextLine = str | BadLine


class Readable(Protocol):
    """A file, or an upload while it arrives."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most `size` bytes; none at the end."""


class HashedFile:
    """A binary file that knows the SHA-256 of everything read from it so far."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self) -> bytes:
        """Read the next block; empty at the end of the file."""
        block = self._file.read(BLOCK_BYTES) or b""
        self._digest.update(block)
        return block

    def hexdigest(self) -> str:
        """Return the SHA-256 of what was read, in hexadecimal."""
        return self._digest.hexdigest()


def sha256_of(file: Readable) -> str:
    """Return the SHA-256 of a whole file, in hexadecimal."""
    hashed = HashedFile(file)
    while hashed.read():
        pass
    return hashed.hexdigest()


def read_lines(file: HashedFile, longest: int, encoding: str = UTF_8) -> Iterator[TextLine]:
    r"""Yield the lines of a file without their ends (LF, CRLF, or CR throughout).

    A byte order mark is dropped. At most a block and a line of `longest` bytes (of UTF-8,
    whatever the file's own encoding) are held: of a longer line only the beginning is kept.

    Raises:
        CsvRefused: the file is UTF-16 and was not said to be, is compressed, or is no text.
    """
    rest = b""
    too_long = False
    for block in _blocks(file, encoding):
        begin = 0
        if too_long:
            begin = block.find(b"\n") + 1
            if begin == 0:
                continue
            too_long = False
        data = rest + block[begin:]
        end = data.rfind(b"\n")
        if end >= 0:
            yield from _lines(data[:end], longest, encoding)
        rest = data[end + 1 :]
        if len(rest) > longest:
            yield _too_long(rest, longest)
            rest, too_long = b"", True
    if rest:
        yield from _lines(rest, longest, encoding)


class LineSource:
    """Lines with their numbers; the following ones can be looked at before they are taken."""

    def __init__(self, lines: Iterator[TextLine]) -> None:
        self._lines = lines
        self._ahead: deque[TextLine] = deque()
        self.number = 0
        """The number of the line that was taken last, counted from 1."""

    def take(self) -> TextLine | None:
        """Return the next line, or None at the end."""
        line = self._ahead.popleft() if self._ahead else next(self._lines, None)
        if line is not None:
            self.number += 1
        return line

    def look_ahead(self, distance: int) -> TextLine | None:
        """Return the line `distance` lines after the one taken last, without taking it."""
        while len(self._ahead) < distance:
            line = next(self._lines, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[distance - 1]


def _blocks(file: HashedFile, encoding: str) -> Iterator[bytes]:
    read = file.read if encoding == UTF_8 else transcoded(file.read, encoding)
    first = read()
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CsvRefused("the file is UTF-16; say encoding=utf-16, or save it as UTF-8")
    for said, zeros in (("utf-16-le", first[1:6:2]), ("utf-16-be", first[:6:2])):
        if encoding == UTF_8 and zeros == b"\0\0\0" and first[:6].count(0) == len(zeros):
            raise CsvRefused(f"the file is UTF-16; say encoding={said}, or save it as UTF-8")
    if first.startswith(COMPRESSED):
        raise CsvRefused("the file is compressed, or a spreadsheet; it must be plain CSV")
    # A file that ends its lines with CR alone has no LF anywhere, so its first block tells.
    carriage_returns = b"\r" in first and b"\n" not in first
    block = first.removeprefix(codecs.BOM_UTF8)
    while block:
        if b"\0" in block:
            raise CsvRefused(NO_TEXT)
        yield block.replace(b"\r", b"\n") if carriage_returns else block
        block = read()


def _lines(data: bytes, longest: int, encoding: str) -> Iterator[TextLine]:
    # Whole blocks are decoded at once; only a block with a bad line is decoded line by line.
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return (_line(raw, longest, encoding) for raw in data.split(b"\n"))
    if "\r" in text:
        text = f"{text}\n".replace("\r\n", "\n")[:-1]
    lines = text.split("\n")
    if max(map(len, lines)) > longest // _LONGEST_CHARACTER:
        return (_line(raw, longest, encoding) for raw in data.split(b"\n"))
    return iter(lines)


def _line(raw: bytes, longest: int, encoding: str) -> TextLine:
    raw = raw.removesuffix(b"\r")
    if len(raw) > longest:
        return _too_long(raw, longest)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return BadLine(NOT_DECODABLE.format(encoding.upper()), _raw_text(raw))


def _too_long(raw: bytes, longest: int) -> BadLine:
    return BadLine(LINE_TOO_LONG.format(longest), _raw_text(raw))


def _raw_text(raw: bytes) -> str:
    beginning = raw[: LONGEST_RAW_TEXT * _LONGEST_CHARACTER]
    return beginning.decode(errors="replace")[:LONGEST_RAW_TEXT]
