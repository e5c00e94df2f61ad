import pytest

from campaign_api.lists.importer.csv_format import CsvFormat
from campaign_api.lists.rejected_cells import MOST_COLUMNS, wrong_cells
from campaign_common.settings import ImportSettings
from tests.unit.api.lists.importer.csv_text import parse

GOOD = "Ann,13961467500\n"


def cells_of(text: str, **as_written: str) -> list[str | None]:
    """Import a file as far as its rejects, and look for their cells."""
    parsed = parse(text, ImportSettings(max_field_length=20), CsvFormat(**as_written))
    rejects = [
        {"line": row.line, "reason": row.reason, "text": row.raw_text} for row in parsed.rejects
    ]
    return wrong_cells(rejects, len(parsed.columns.names), parsed.columns.header)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + "Bob,12ab\n", ["12ab"]),
        (GOOD + "Bob,\n", [""]),
        (GOOD + '"Smith, Jo",""\n', [""]),
        (GOOD + f"{'n' * 256},13961467501\n", ["n" * 256]),
        (GOOD + "Bob,1,2\nBob\n", [None, None]),
        (GOOD + 'Bob,"1\n', [None]),
        ("phone\nabc\n13961467500\n", ["abc"]),
        ("phone,city\n12,Oslo\n", ["12"]),
        ("city,phone\nOslo,x y\n", [None]),
        ("city,phone\nOslo,12\nOslo,x y\n", ["12", "x y"]),
        ("city,phone\nOslo,x y\n,1e9\n", ["x y", "1e9"]),
        (f"city,phone\n{'o' * 21},13961467500\n", ["o" * 21]),
    ],
)
def test_the_cell_of_a_reason_is_found_or_none(text: str, expected: list[str | None]) -> None:
    assert cells_of(text) == expected


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = "city,number\nOslo, Norway,12\n".replace(",", delimiter).replace(f"{delimiter} ", ", ")
    assert cells_of(text, delimiter=delimiter, phone_column="number") == ["12"]


def test_numbers_are_those_of_the_region() -> None:
    assert cells_of("phone,code\n1234567,12\n030 1234567,99\n", default_region="DE") == []
    assert cells_of("phone,code\n+1 23456789,x\n", default_region="DE") == ["+1 23456789"]


def test_an_erased_row_has_no_cell() -> None:
    row = {"line": 2, "reason": "phone has letters", "text": ""}
    assert wrong_cells([row], 2, "none") == [None]


def test_a_wide_list_takes_no_time() -> None:
    row = {"line": 2, "reason": "phone has letters", "text": "x," * 1_000}
    assert wrong_cells([row] * 100, MOST_COLUMNS + 1, "found") == [None] * 100
