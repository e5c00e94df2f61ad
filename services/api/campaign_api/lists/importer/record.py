"""Fields of a CSV record (RFC 4180)."""

import re
from functools import cache


def split_record(record: str, delimiter: str = ",") -> list[str] | None:
    """Return the fields of a record, or None when its quotes are not as RFC 4180 has them.

    A field is quoted as a whole or not at all, and a quote inside one is doubled.
    """
    if '"' not in record:
        return record.split(delimiter)
    pattern = _field(delimiter)
    fields = []
    position = 0
    while field := pattern.match(record, position):
        quoted, plain, more = field.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        if not more:
            return fields
        position = field.end()
    return None


def is_open(record: str) -> bool:
    """Return whether a quoted field of the record continues in the next line."""
    return record.count('"') % 2 == 1


@cache
def _field(delimiter: str) -> re.Pattern[str]:
    between = re.escape(delimiter)
    return re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^"{between}]*))({between}|\Z)')
