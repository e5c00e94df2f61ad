"""CSV for people, who open it in a spreadsheet.

A cell that begins with =, +, -, @ (or their full-width forms), a tab or a line break would be run
as a formula there, whoever wrote it into a list. An apostrophe before it makes it text (OWASP,
"CSV Injection").
"""

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA_BEGINS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Write rows by RFC 4180; text that a spreadsheet would run gets a leading apostrophe."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([_safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_BEGINS) else cell
