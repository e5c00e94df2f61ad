"""Numbers in paths, parameters and bodies are read by the grammar of files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from campaign_api.schemas.phone import PATTERN, SAID, PhoneNumber


@given(st.from_regex(PATTERN))
def test_every_documented_spelling_is_read(text: str) -> None:
    """A client that goes by the OpenAPI document is never refused."""
    assert 7 <= len(PhoneNumber().deserialize(text)) <= 15


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+44 (0)7700 900111", "447700900111"),
        ("\u202d+44\u00a07700\u2011900111\u202c", "447700900111"),
        (" 447700900111 ", "447700900111"),
    ],
    ids=ascii,
)
def test_other_spellings_are_read_as_in_a_file(text: str, digits: str) -> None:
    """A person is found by the number that a list would store."""
    assert PhoneNumber().deserialize(text) == digits


@pytest.mark.parametrize(
    "value",
    ["447700900111.0", "2026-05-12", "5550100 5550101", "12", "phone", "", " " * 70, 447700900111],
)
def test_what_is_no_number_is_refused(value: object) -> None:
    """A request names one number, and a JSON number is none: it may have lost digits."""
    with pytest.raises(ValidationError, match=SAID.split(":")[0]):
        PhoneNumber().deserialize(value)
