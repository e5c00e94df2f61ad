"""Cells that people open in a spreadsheet: no text of a client is run there."""

import csv
import io
import re
import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.csv_export import CELL_ENDS, DROPPED, FORMULA_SIGNS, csv_text

SIGNS = ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u2212", "\ufe66", "\u207a"]
DROPPED_BEFORE = {
    "blank": " ",
    "tab": "\t",
    "no-break space": "\xa0",
    "narrow no-break space": "\u202f",
    "ideographic space": "\u3000",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "left-to-right mark": "\u200e",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "Arabic letter mark": "\u061c",
    "soft hyphen": "\xad",
    "NUL": "\0",
    "escape": "\x1b",
    "variation selector": "\ufe0f",
    "tag": "\U000e0041",
    "Hangul filler": "\u3164",
    "quote": '"',
    "several": ' \xa0\u200b\ufeff"\u200e',
}
CELLS = [";", "\t", "|", "\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028"]


def cell(text: str) -> str:
    """One cell, as a reader by RFC 4180 has it."""
    ((found,),) = csv.reader(io.StringIO(csv_text([[text]]), newline=""))
    return found


def runs(text: str) -> bool:
    """Judge a cell as the crudest of spreadsheets would, cut by any delimiter."""
    for piece in re.split(f"[{CELL_ENDS}]", text):
        kept = re.sub(f"^[{DROPPED}]+", "", piece)
        if kept and re.match(f"[{FORMULA_SIGNS}]", kept):
            return True
    return False


@pytest.mark.parametrize("begin", [*SIGNS, "\t", "\r", "\n"])
def test_text_that_would_be_run_becomes_text(begin: str) -> None:
    assert cell(f"{begin}1").startswith("'")


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("dropped", DROPPED_BEFORE.values(), ids=list(DROPPED_BEFORE))
def test_what_a_spreadsheet_drops_hides_no_sign(dropped: str, sign: str) -> None:
    assert cell(f"{dropped}{sign}1+1").startswith("'")


@pytest.mark.parametrize("between", ["", "x", " ", "\u200b"])
@pytest.mark.parametrize("end", CELLS)
def test_a_cell_may_begin_in_the_middle_of_a_text(end: str, between: str) -> None:
    """Opened with a semicolon as delimiter, as in most of Europe, `;=1+1` is a cell of its own."""
    text = f"{between}{end}=1+1"
    assert runs(text)
    assert not runs(cell(text))
    assert cell(text).replace("'", "") == text


@pytest.mark.parametrize(
    "text",
    [
        "Ann",
        "it's 5 - 3 = 2; really",
        "a+b@example.org",
        "Sale; 20% off - today",
        "a, -5",
        "x;y|z",
        "'quoted'",
        "\u0395\u03bb\u03bb\u03ac\u03b4\u03b1",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_numbers_stay_numbers() -> None:
    assert csv_text([[-1, 2, None]]) == "-1,2,\r\n"


@given(st.text(st.sampled_from(['"', "'", ";", "\t", "\n", "\r", "=", "-", "\xa0", ",", "a", " "])))
def test_no_mixture_is_run(text: str) -> None:
    assert not runs(cell(text))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=5))
def test_nothing_but_apostrophes_is_added(cells: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(csv_text([cells]), newline=""))
    for found, given_ in zip(row, cells, strict=True):
        assert found.replace("'", "") == given_.replace("'", "")
        if not runs(given_) and not given_.startswith(("\t", "\r", "\n")):
            assert found == given_


def test_every_blank_and_invisible_character_is_known() -> None:
    """By this Python's version of Unicode; line breaks end a cell instead."""
    known = re.compile(f"[{DROPPED}{CELL_ENDS}]")
    unknown = [
        f"U+{ord(character):04X}"
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cc", "Cf")
        and not known.match(character)
    ]
    assert unknown == []


def test_a_hostile_text_takes_hardly_longer_than_another() -> None:
    """Looked at again for each quotation mark, it would take thousands of times as long."""
    hostile = (";" + '"' * 50) * 20_000 + "="
    assert seconds(hostile) < 50 * seconds("a" * len(hostile))


def seconds(text: str) -> float:
    """Measure the least processor time of three tries."""
    tries = []
    for _ in range(3):
        began = time.process_time()
        csv_text([[text]])
        tries.append(time.process_time() - began)
    return min(tries)
