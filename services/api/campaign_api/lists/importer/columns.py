"""The columns of a file: what its header says, or name and phone when it has none."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from campaign_api.lists.importer.csv_format import PLAIN, CsvFormat
from campaign_api.lists.importer.line_reader import Line, LineSource
from campaign_api.lists.importer.record import split_record
from campaign_api.refusals import CsvRefused
from campaign_common.recipient import NAME, PHONE, column_name, normalise_phone


class Columns(NamedTuple):
    """Where each column stands in a record."""

    names: tuple[str, ...]
    has_header: bool

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns besides name and phone, in the order of the file."""
        return tuple(name for name in self.names if name not in (NAME, PHONE))


MOST_SHOWN = 20
LONGEST_SHOWN = 64
"""Columns, and characters of each, that a refusal names."""

WITHOUT_HEADER = Columns((NAME, PHONE), has_header=False)


def read_columns(source: LineSource, most: int, csv_format: CsvFormat = PLAIN) -> Columns:
    """Find out the columns; takes the header, if there is one, from `source`.

    The first line that is not blank is the header when it names the column phone and holds
    no phone number. A file without one has the columns name and phone. Where `csv_format`
    says which columns those two are, the first line must be a header that has them.

    Raises:
        CsvRefused: the header lacks phone or a column that `csv_format` speaks of, names a
            column twice or not at all, or has more than `most` columns.
    """
    while (line := source.look_ahead(1)) is not None and is_blank(line):
        source.take()
    fields = split_record(line, csv_format.delimiter) if isinstance(line, str) else None
    if csv_format.phone_column is not None or csv_format.name_column is not None:
        names = _named_columns(fields or (), csv_format)
    elif fields is None or any(normalise_phone(field) for field in fields):
        return WITHOUT_HEADER
    else:
        names = tuple(column_name(field) for field in fields)
    if PHONE not in names:
        if _is_header(names, source.look_ahead(2), csv_format.delimiter):
            raise CsvRefused(f"missing column phone: the header names {_listed(names)}")
        return WITHOUT_HEADER
    _check(names, most)
    source.take()
    return Columns(names, has_header=True)


def _named_columns(fields: Iterable[str], csv_format: CsvFormat) -> tuple[str, ...]:
    names = [column_name(field) for field in fields]
    for stored, given in ((PHONE, csv_format.phone_column), (NAME, csv_format.name_column)):
        if given is None:
            continue
        if column_name(given) not in names:
            raise CsvRefused(f"missing column {given}: the header names {_listed(names)}")
        # What bears the name already is no longer the column that is meant by it.
        if stored in names and column_name(given) != stored:
            raise CsvRefused(f"the header has a column {stored} besides {given}; rename one")
        names[names.index(column_name(given))] = stored
    if PHONE not in names:
        raise CsvRefused(f"missing column phone: the header names {_listed(names)}")
    return tuple(names)


def is_blank(line: Line) -> bool:
    """Tell whether a line holds white space only; such a line is no data row."""
    return isinstance(line, str) and not line.strip()


def _is_header(names: tuple[str, ...], following: Line | None, delimiter: str) -> bool:
    # A first line without phone may also be a bad data row. It is a header when it names the
    # other column that is known, or more columns than the rows of a file without header have.
    if NAME in names:
        return True
    if not isinstance(following, str):
        return False
    below = split_record(following, delimiter)
    return below is not None and len(below) == len(names) > len(WITHOUT_HEADER.names)


def _check(names: tuple[str, ...], most: int) -> None:
    if len(names) > most:
        raise CsvRefused(f"the header has {len(names)} columns; at most {most} are allowed")
    for position, name in enumerate(names, start=1):
        if not name:
            raise CsvRefused(f"column {position} of the header has no name")
        if name in names[: position - 1]:
            raise CsvRefused(f"the header names the column {name[:LONGEST_SHOWN]} twice")


def _listed(names: Sequence[str]) -> str:
    # A header of many or long names must not make an answer of that size.
    shown = ", ".join(name[:LONGEST_SHOWN] for name in names[:MOST_SHOWN])
    return f"{shown} and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else shown
