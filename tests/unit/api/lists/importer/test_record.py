import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.lists.importer.record import split_record


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ("a,b", ["a", "b"]),
        ('"a",b', ["a", "b"]),
        ('"a,x",b', ["a,x", "b"]),
        ('"say ""hi""",b', ['say "hi"', "b"]),
        ('"",""', ["", ""]),
        ('a,"b",', ["a", "b", ""]),
        ('"two\nlines",b', ["two\nlines", "b"]),
    ],
)
def test_fields_are_split_by_rfc_4180(record: str, fields: list[str]) -> None:
    assert split_record(record) == fields


@pytest.mark.parametrize("record", ['a"b,c', '"a"b,c', '"a,b', 'a,"', 'a""b,c', ' "a",b'])
def test_misplaced_quotes_are_no_record(record: str) -> None:
    assert split_record(record) is None


@given(st.lists(st.text(st.characters(exclude_characters="\r\0")), min_size=1, max_size=6))
def test_whatever_the_standard_writer_quotes_is_read_back(fields: list[str]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="").writerow(fields)
    assert split_record(written.getvalue()) == fields
