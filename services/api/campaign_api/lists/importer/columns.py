"""Columns of a file: those of its header, or name and phone without one."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from campaign_api.errors import CsvRefused
from campaign_api.lists.importer.csv_format import DELIMITERS, PLAIN, CsvFormat
from campaign_api.lists.importer.line_reader import BadLine, LineSource, TextLine
from campaign_api.lists.importer.record import is_open, split_record
from campaign_common.domain.phone_number import normalise_phone
from campaign_common.domain.recipient import NAME, PHONE, column_name


class Header(StrEnum):
    """Source of the columns of a list."""

    GIVEN = "given"
    """The request named columns of the header."""
    FOUND = "found"
    """The first line names the column phone."""
    NONE = "none"
    """The file begins with a row."""


class Columns(NamedTuple):
    """The columns of a record in their order, and the delimiter."""

    names: tuple[str, ...]
    header: Header
    delimiter: str = PLAIN.delimiter

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns besides name and phone, in the order of the file."""
        return tuple(name for name in self.names if name not in (NAME, PHONE))


class _Line(NamedTuple):
    """The first line of a file, and its delimiter."""

    text: str
    delimiter: str


MOST_SHOWN = 20
LONGEST_SHOWN = 64
"""Columns, and characters of each, that a refusal names."""

SPOKEN = {",": "commas", ";": "semicolons", "|": "vertical bars", "\t": "tabs"}
"""The delimiters, as a refusal names them."""

NAME_A_COLUMN = "call one column phone, or say which one it is by phone_column"
UNREADABLE = "the first line is not read, so the columns are not known: {} (see encoding)"
ORDER = "a file without a header has the columns name and phone, in this order"

MOST_LINES = 20
"""A record with line breaks inside its quotes may stretch over this many lines."""

_SEP = re.compile(r'"?sep=(.+?)"?', re.IGNORECASE)


def read_columns(source: LineSource, most: int, csv_format: CsvFormat = PLAIN) -> Columns:
    """Find out the columns; takes the header, if there is one, from `source`.

    The first line that is not blank is a row when it holds a phone number, and the header
    otherwise, which must name the column phone. A file without one has the columns name and
    phone. Where `csv_format` says which columns those two are, the first line must be a header
    that has them. A line `sep=` before it, as spreadsheets write one, says the delimiter.

    Raises:
        CsvRefused: the header lacks phone or a column that `csv_format` speaks of, names a
            column twice or not at all, or has more than `most` columns; the first line cannot
            be read; or it is a row whose number is not in its second column alone.
    """
    line = _first_line(source)
    delimiter = csv_format.delimiter
    if isinstance(line, str) and (said := _SEP.fullmatch(line.strip(" "))):
        delimiter = _delimiter_of(said[1], delimiter)
        source.take()
        line = _first_line(source)
    if isinstance(line, BadLine):
        raise CsvRefused(UNREADABLE.format(line.reason))
    if line is None:
        return Columns((NAME, PHONE), Header.NONE, delimiter)
    split = split_record(_whole_record(source, line), delimiter)
    # Where its quotes are wrong, its numbers still say whether it is a row.
    fields = split or line.split(delimiter)
    if csv_format.phone_column is not None or csv_format.name_column is not None:
        names = _given(fields, csv_format, _Line(line, delimiter))
        return _taken(source, names, most, Header.GIVEN, delimiter)
    if any(map(normalise_phone, fields)):
        _require_order(fields)
        return Columns((NAME, PHONE), Header.NONE, delimiter)
    names = _names(fields)
    if PHONE not in names:
        raise _missing(PHONE, names, _Line(line, delimiter))
    if split is None or "\n" in "".join(split):
        raise CsvRefused("the quotes of the header are not as RFC 4180 has them")
    return _taken(source, names, most, Header.FOUND, delimiter)


def header_name(text: str) -> str:
    """Reduce a name of the header to the form in which columns are stored and compared.

    Characters that are not seen are dropped: two columns must not differ by them alone.
    """
    return column_name("".join(c for c in text if unicodedata.category(c) != "Cf"))


def is_blank(line: TextLine) -> bool:
    """Return whether a line holds white space only; such a line is no data row."""
    return isinstance(line, str) and not line.strip()


def _first_line(source: LineSource) -> TextLine | None:
    while (line := source.look_ahead(1)) is not None and is_blank(line):
        source.take()
    return line


def _whole_record(source: LineSource, line: str) -> str:
    """Join the lines of a quoted field in the first line, if it ends nearby."""
    parts = [line]
    while is_open("\n".join(parts)) and len(parts) < MOST_LINES:
        following = source.look_ahead(len(parts) + 1)
        if not isinstance(following, str):
            return line
        parts.append(following)
    return "\n".join(parts)


def _require_order(fields: Sequence[str]) -> None:
    if len(fields) != len((NAME, PHONE)):
        return
    name, phone = map(normalise_phone, fields)
    if phone is None:
        raise CsvRefused(f"the first line has a number in its first column alone; {ORDER}")
    if name not in (None, phone):
        raise CsvRefused(f"the first line has numbers in both columns; {ORDER}, or needs one")


def _delimiter_of(said: str, delimiter: str) -> str:
    if said not in DELIMITERS:
        raise CsvRefused(
            f"the line sep= says that {said[:LONGEST_SHOWN]!r} is the delimiter, which is none of"
            f" {', '.join(map(repr, DELIMITERS))}"
        )
    if delimiter not in (PLAIN.delimiter, said):
        raise CsvRefused(
            f"the line sep= says that fields are separated by {SPOKEN[said]}, and delimiter says"
            f" {SPOKEN[delimiter]}"
        )
    return said


def _names(fields: Iterable[str]) -> tuple[str, ...]:
    """Name the columns; those at the end that have no name are none."""
    names = [header_name(field) for field in fields]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _given(fields: Iterable[str], csv_format: CsvFormat, line: _Line) -> tuple[str, ...]:
    names = list(_names(fields))
    for stored, given in ((PHONE, csv_format.phone_column), (NAME, csv_format.name_column)):
        if given is None:
            continue
        wanted = header_name(given)
        if wanted not in names:
            raise _missing(given[:LONGEST_SHOWN], names, line)
        # What bears the name already is no longer the column that is meant by it.
        if stored in names and wanted != stored:
            raise CsvRefused(f"the header has a column {stored} besides {given}; rename one")
        names[names.index(wanted)] = stored
    if PHONE not in names:
        raise _missing(PHONE, names, line)
    return tuple(names)


def _taken(
    source: LineSource, names: tuple[str, ...], most: int, header: Header, delimiter: str
) -> Columns:
    if len(names) > most:
        raise CsvRefused(f"the header has {len(names)} columns; at most {most} are allowed")
    for position, name in enumerate(names, start=1):
        if not name:
            raise CsvRefused(f"column {position} of the header has no name")
        if name in names[: position - 1]:
            raise CsvRefused(f"the header names the column {name[:LONGEST_SHOWN]} twice")
    source.take()
    return Columns(names, header, delimiter)


def _missing(wanted: str, names: Sequence[str], line: _Line) -> CsvRefused:
    said = f"missing column {wanted}: the header names {_listed(names)}"
    for delimiter in DELIMITERS:
        split = split_record(line.text, delimiter) or ()
        if delimiter != line.delimiter and len(split) > 1 and len(names) <= 1:
            return CsvRefused(
                f"{said}; its fields are separated by {SPOKEN[delimiter]} and not by"
                f" {SPOKEN[line.delimiter]}: say so by delimiter, or write those"
            )
    if wanted != PHONE:
        return CsvRefused(said)
    return CsvRefused(f"{said}; a first line without a number is the header: {NAME_A_COLUMN}")


def _listed(names: Sequence[str]) -> str:
    # A header of many or long names must not make an answer of that size.
    shown = ", ".join(name[:LONGEST_SHOWN] for name in names[:MOST_SHOWN])
    return f"{shown} and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else shown
