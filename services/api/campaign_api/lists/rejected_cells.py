"""The cell of a rejected row that its reason is about.

A list keeps its columns, but not where in the file they stood and what was between them. Both are
found again from its rejected rows: the number of each stands in the same cell, and is refused
for the same reason as it was when the file was read. What fits several cells is not guessed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from campaign_api.lists.importer.columns import Header
from campaign_api.lists.importer.csv_format import DELIMITERS
from campaign_api.lists.importer.line_reader import LONGEST_RAW_TEXT
from campaign_api.lists.importer.phones import NOT_OF_REGION, PhoneReader, phone_reader
from campaign_api.lists.importer.record import split_record
from campaign_common.domain.recipient import PHONE, is_unseen

MOST_COLUMNS = 50
"""Of a wider list no cell is looked for: it would take too long."""

_TOO_LONG = re.compile(r" is longer than [0-9]+ characters")
_REGION = re.compile(re.escape(NOT_OF_REGION).replace(r"\{\}", "([A-Z]{2})"))


class Layout(NamedTuple):
    """A delimiter, and the cell of the phone number, from 0 on."""

    delimiter: str
    position: int


def wrong_cells(
    rejects: Sequence[Mapping[str, Any]], width: int, header: str | None
) -> list[str | None]:
    """Return the cell of each rejected row of a list with `width` columns.

    None: the reason is about the whole row, or its cell cannot be told.
    """
    if width > MOST_COLUMNS:
        return [None] * len(rejects)
    positions = [width - 1] if header == Header.NONE else range(width)
    possible = {Layout(each, position) for each in DELIMITERS for position in positions}
    for row in rejects:
        if _is_of_a_number(row["reason"]):
            possible = {each for each in possible if _fits(row, each, width)} or possible
    return [_cell_of(row, possible, width) for row in rejects]


def _cell_of(row: Mapping[str, Any], possible: Iterable[Layout], width: int) -> str | None:
    reason = row["reason"]
    if _is_of_a_number(reason):
        found = {
            fields[each.position]
            for each in possible
            if _fits(row, each, width) and (fields := _fields(row["text"], each.delimiter, width))
        }
    elif _TOO_LONG.search(reason) and len(row["text"]) < LONGEST_RAW_TEXT:
        split = [_fields(row["text"], each.delimiter, width) for each in possible]
        found = {max(fields, key=len) for fields in split if fields}
    else:
        return None
    return found.pop() if len(found) == 1 else None


def _is_of_a_number(reason: str) -> bool:
    return reason.startswith(f"{PHONE} ") and not _TOO_LONG.search(reason)


def _fits(row: Mapping[str, Any], layout: Layout, width: int) -> bool:
    fields = _fields(row["text"], layout.delimiter, width)
    if fields is None:
        return False
    read = _reader_of(row["reason"])
    number = fields[layout.position]
    return read.digits(number) is None and read.fault(number) == row["reason"]


def _fields(text: str, delimiter: str, width: int) -> list[str] | None:
    """Return the fields of a row; None: these are not as many as the list has columns."""
    fields = split_record(text, delimiter)
    if fields is None or len(fields) < width or not all(map(is_unseen, fields[width:])):
        return None
    return fields


def _reader_of(reason: str) -> PhoneReader:
    of_region = _REGION.fullmatch(reason)
    return _reader(of_region[1] if of_region else None)


@cache
def _reader(region: str | None) -> PhoneReader:
    return phone_reader(region)
