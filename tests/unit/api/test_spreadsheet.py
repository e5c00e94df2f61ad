import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.messages.spreadsheet import FORMULA_BEGINS, csv_lines


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\uff1d", "\uff20", "\t", "\r", "\n"])
def test_text_that_would_be_run_becomes_text(begin: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_lines([[f"{begin}1"]]), newline=""))
    assert row == [f"'{begin}1"]


def test_numbers_stay_numbers() -> None:
    assert csv_lines([[-1, 2, None]]) == "-1,2,\r\n"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=5))
def test_all_other_text_comes_back_as_it_was(cells: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(csv_lines([cells]), newline=""))
    expected = [f"'{each}" if each.startswith(FORMULA_BEGINS) else each for each in cells]
    assert row == expected
