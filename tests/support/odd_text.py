"""Text of every kind that databases, files and programs are known to handle wrongly."""

import csv
import io
from collections.abc import Iterable

from hypothesis import strategies as st

ODD = st.sampled_from(
    [
        *('"', '""', "'", "\\", "`", "%s", "{name}", ";--", ",", "\t", " ", "\x7f", "\x0b"),
        *("\u202e", "\u200f", "\ufeff", "\u2028", "\x85", "\x1c", "e\u0301", "\ufdfa"),
        *("😀", "𐀀", "\U0010ffff"),
    ]
)
ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n")
TEXT = st.lists(st.one_of(ODD, ANY), max_size=30).map("".join)
"""Text of one line without NUL, which no row may have."""


def csv_text(rows: Iterable[Iterable[str]]) -> bytes:
    """Write rows as CSV, every field in quotes."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()
