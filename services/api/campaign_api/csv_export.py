"""CSV export that is safe to open in a spreadsheet.

A cell that begins with =, +, -, @ (or a character that looks the same) would be run as a formula
there, by whatever client it was written into a list. An apostrophe before it makes it text (OWASP,
"CSV Injection"). Two things widen what counts as a beginning. Spreadsheets drop blanks and
characters without width before the sign. And they cut lines by the delimiter of their user's
country, or by tabs, whatever this file is written with: then a cell begins in the middle of a
text, and a quoted line break ends a line.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

FORMULA_SIGNS = (
    "=+\\-@\u207a\u207b\u208a\u208b\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
)
"""The four signs, minus, and their small, raised, lowered and full-width forms (NFKC)."""

CELL_ENDS = ";|\t\n\v\f\r\x85\u2028\u2029"
"""Delimiters other than the comma, by which this file is cut rightly, and line breaks."""

DROPPED = (
    '"\x00-\x08\x0e-\x20\x7f-\x84\x86-\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891'
    "\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Blanks, control and format characters, those without width, and the quote that opens a cell."""

_SIGN = re.compile(f"[{FORMULA_SIGNS}]")
_BEGINS_FORMULA = re.compile(f"(\\A|[{CELL_ENDS}])(?=[{DROPPED}]*[{FORMULA_SIGNS}])")
_RUN_BEFORE_TEXT = ("\t", "\r", "\n")
"""First characters that some spreadsheets treat as a formula in any case (OWASP)."""


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV (RFC 4180); cells that a spreadsheet would run get an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([neutralised(cell) for cell in row] for row in rows)
    return out.getvalue()


def neutralised(cell: object) -> object:
    """Return a cell with an apostrophe wherever a spreadsheet would run it as a formula."""
    if not isinstance(cell, str):
        return cell
    if _SIGN.search(cell):
        cell = _BEGINS_FORMULA.sub(r"\1'", cell)
    return f"'{cell}" if cell.startswith(_RUN_BEFORE_TEXT) else cell
