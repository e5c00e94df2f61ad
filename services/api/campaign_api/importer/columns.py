"""The columns of a file: what its header says, or name and phone when it has none."""

from typing import NamedTuple

from campaign_api.importer.line_reader import Line, LineSource
from campaign_api.importer.record import split_record
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


WITHOUT_HEADER = Columns((NAME, PHONE), has_header=False)


def read_columns(source: LineSource, most: int) -> Columns:
    """Find out the columns; takes the header, if there is one, from `source`.

    The first line that is not blank is the header when it names the column phone and holds
    no phone number. A file without one has the columns name and phone.

    Raises:
        CsvRefused: the header lacks phone, names a column twice or not at all, or has more
            than `most` columns.
    """
    while (line := source.look_ahead(1)) is not None and is_blank(line):
        source.take()
    fields = split_record(line) if isinstance(line, str) else None
    if fields is None or any(normalise_phone(field) for field in fields):
        return WITHOUT_HEADER
    names = tuple(column_name(field) for field in fields)
    if PHONE not in names:
        if _is_header(names, source.look_ahead(2)):
            raise CsvRefused(f"missing column phone: the header names {', '.join(names)}")
        return WITHOUT_HEADER
    _check(names, most)
    source.take()
    return Columns(names, has_header=True)


def is_blank(line: Line) -> bool:
    """Tell whether a line holds white space only; such a line is no data row."""
    return isinstance(line, str) and not line.strip()


def _is_header(names: tuple[str, ...], following: Line | None) -> bool:
    # A first line without phone may also be a bad data row. It is a header when it names the
    # other column that is known, or more columns than the rows of a file without header have.
    if NAME in names:
        return True
    if not isinstance(following, str):
        return False
    below = split_record(following)
    return below is not None and len(below) == len(names) > len(WITHOUT_HEADER.names)


def _check(names: tuple[str, ...], most: int) -> None:
    if len(names) > most:
        raise CsvRefused(f"the header has {len(names)} columns; at most {most} are allowed")
    for position, name in enumerate(names, start=1):
        if not name:
            raise CsvRefused(f"column {position} of the header has no name")
        if name in names[: position - 1]:
            raise CsvRefused(f"the header names the column {name} twice")
