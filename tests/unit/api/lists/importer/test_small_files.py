"""Small files as people have them, and what becomes of each; all numbers are invented."""

import json

import pytest

from campaign_api.errors import CsvRefused
from campaign_common.domain import phone_number
from campaign_common.domain.template import Template
from tests.unit.api.lists.importer.csv_text import parse

INVISIBLE = """\
name,phone
Ada,\u202d+447700900111\u202c
Bo,+44\u00a07700\u00a0900112
Cy,44\u20117700\u2011900113
"""

MESSAGE = "hi {name|friend}, see you in {city}."


def test_blank_values() -> None:
    """Values have no blanks around them, and a blank one is none."""
    text = "phone, name, city\n447700900111, Ada, Bonn\n447700900112, ,\n"
    template = Template.compile(MESSAGE)
    bodies = [
        template.render(row.name, row.phone, json.loads(row.attributes or "{}"))
        for row in parse(text).accepted
    ]
    assert bodies == ["hi Ada, see you in Bonn.", "hi friend, see you in ."]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,phone\nAda,2026-05-12\n", phone_number.DATE),
        ("name,phone\nAda,447700900111.0\n", phone_number.DECIMAL_FRACTION),
        ("name,phone\nAda,5550100 5550101\n", phone_number.TWO_NUMBERS),
    ],
    ids=["date", "float", "two-numbers-blank"],
)
def test_value_that_is_no_number_is_a_reject(text: str, reason: str) -> None:
    """A value that is something else is nobody's number."""
    parsed = parse(text)
    assert not parsed.accepted
    assert parsed.reasons == {2: reason}


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("\u200bphone,member_id\n+447700900111,10045678\n", ["447700900111"]),
        (INVISIBLE, ["447700900111", "447700900112", "447700900113"]),
        ("sep=,\nname,phone,city\nAda,447700900111,Bonn\n", ["447700900111"]),
        ("phone,name,,\n447700900111,Ada,,\n", ["447700900111"]),
        ("user0,13961467500\nuser1,13961467501\n", ["13961467500", "13961467501"]),
        ("name,phone\nuser0,13961467500\n", ["13961467500"]),
    ],
    ids=[
        "header-zero-width-space",
        "invisible",
        "sep-line",
        "trailing-commas",
        "plain",
        "plain-with-header",
    ],
)
def test_file_is_read(text: str, phones: list[str]) -> None:
    """Values that are only written in another way are read."""
    parsed = parse(text)
    assert [row.phone for row in parsed.accepted] == phones
    assert not parsed.rejects


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mobile,member_id\n+44 7700 900111,10045678\n", "mobile, member_id;.*phone_column"),
        ("phone;name\n447700900111;Ada\n", "semicolons.*delimiter"),
    ],
    ids=["header-not-recognised", "semicolons"],
)
def test_file_is_refused_with_what_helps(text: str, said: str) -> None:
    """The refusal names what was seen and the option."""
    with pytest.raises(CsvRefused, match=said):
        parse(text)
