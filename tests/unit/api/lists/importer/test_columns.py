"""Columns of a file by its first line."""

import pytest

from campaign_api.errors import CsvRefused
from campaign_api.lists.importer.columns import Header
from campaign_api.lists.importer.csv_format import CsvFormat
from tests.unit.api.lists.importer.csv_text import parse

PHONE = "447700900111"
OTHER = "447700900112"


@pytest.mark.parametrize(
    ("text", "header", "names"),
    [
        (f"Ada,{PHONE}\n", Header.NONE, ("name", "phone")),
        (f"\n \nAda,{PHONE}\n", Header.NONE, ("name", "phone")),
        (f"phone,{PHONE}\n", Header.NONE, ("name", "phone")),
        (f"{PHONE},{PHONE}\n", Header.NONE, ("name", "phone")),
        (f"Ada,{PHONE},\n", Header.NONE, ("name", "phone")),
        (f'"Ada\nLovelace",{PHONE}\n', Header.NONE, ("name", "phone")),
        (f"name,phone\nAda,{PHONE}\n", Header.FOUND, ("name", "phone")),
        (f"phone\n{PHONE}\n", Header.FOUND, ("phone",)),
        (f"phone,2026-05-12\n{PHONE},x\n", Header.FOUND, ("phone", "2026-05-12")),
        (
            f"\u200bph\u00adone,\u2066member_id\u2069\n{PHONE},1\n",
            Header.FOUND,
            ("phone", "member_id"),
        ),
        (f"\ufeff\ufeffphone\n{PHONE}\n", Header.FOUND, ("phone",)),
        (f"phone,name,,\n{PHONE},Ada,,\n", Header.FOUND, ("phone", "name")),
        (f"phone,name, ,\u00a0\n{PHONE},Ada\n", Header.FOUND, ("phone", "name")),
        ("", Header.NONE, ("name", "phone")),
    ],
)
def test_columns_are_found(text: str, header: Header, names: tuple[str, ...]) -> None:
    """A line with a number is a row, one that names phone a header; what is unseen is none."""
    parsed = parse(text)
    assert (parsed.columns.header, parsed.columns.names) == (header, names)
    assert not parsed.rejects


def test_columns_that_the_request_names_are_given() -> None:
    """Unseen characters do not hide a column that the request names, in either of the two."""
    csv_format = CsvFormat(phone_column="mob\u200bile")
    parsed = parse(f"\u200emobile,id\n{PHONE},10045678\n", csv_format=csv_format)
    assert (parsed.columns.header, parsed.columns.names) == (Header.GIVEN, ("phone", "id"))
    assert [row.phone for row in parsed.accepted] == [PHONE]


MISSING = "missing column phone: the header names {}; a first line without a number is the header"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mobile,member_id\n+44 7700 900111,10045678\n", MISSING.format("mobile, member_id")),
        (f"Members\nmobile,member_id\n{PHONE},10045678\n", MISSING.format("members")),
        (f"nobody\nAda,{PHONE}\n", MISSING.format("nobody")),
        (f"Ada,\nBo,{PHONE}\n", MISSING.format("ada")),
        (f"Ada,2026-05-12\nBo,{PHONE}\n", MISSING.format("ada, 2026-05-12")),
        (f"a,{PHONE}.0\nb,{PHONE}\n", MISSING.format(f"a, {PHONE}.0")),
        ("a,b\nc,d\n", MISSING.format("a, b")),
        (f"{PHONE},Ada\n", "a number in its first column alone; a file without a header has"),
        (f"{PHONE},\n{OTHER},10045678\n", "a number in its first column alone"),
        ("+44 7700 900111,10045678\n", "numbers in both columns; a file without a header has"),
        ('phone,"first\nname"\n447700900111,x\n', "quotes of the header"),
        (f'"mobile,member_id\n{PHONE},10045678\n', "missing column phone"),
        (f"phone,,name\n{PHONE},,Ada\n", "column 2 of the header has no name"),
        (b"mobilf\xfcnk,nr\n447700900111,10045678\n", "line is not valid UTF-8 .see encoding"),
        (b"mob\0ile,nr\n447700900111,10045678\n", "the file holds NUL bytes"),
    ],
)
def test_first_line_that_names_no_phone_is_refused(text: str | bytes, said: str) -> None:
    """The columns must be known before a value is taken for somebody's number."""
    with pytest.raises(CsvRefused, match=said):
        parse(text)


def test_refusal_of_a_header_names_the_option() -> None:
    """The error says how to name a column of another name."""
    with pytest.raises(CsvRefused, match="phone_column"):
        parse("mobile,member_id\n+44 7700 900111,10045678\n")


@pytest.mark.parametrize(
    ("delimiter", "spoken"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
@pytest.mark.parametrize("header", ["phone{0}name\n", '"phone"{0}"name"\n', "", "mobile{0}id\n"])
def test_refusal_of_another_delimiter_names_it(delimiter: str, spoken: str, header: str) -> None:
    """A file of semicolons or tabs is refused with the option that has it read."""
    text = f"{header.format(delimiter)}{PHONE}{delimiter}Ada\n"
    with pytest.raises(CsvRefused, match=f"separated by {spoken} and not by commas.*delimiter"):
        parse(text)


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "sep=; "])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_line_sep_says_the_delimiter(line: str, delimiter: str) -> None:
    """The line that spreadsheets put first is no row, and what it says holds for the file."""
    text = f"{line}\nname;phone\nAda;{PHONE}\n"
    parsed = parse(text, csv_format=CsvFormat(delimiter=delimiter))
    assert [(row.name, row.phone) for row in parsed.accepted] == [("Ada", PHONE)]
    assert parsed.columns.header is Header.FOUND


def test_line_sep_may_say_a_tab() -> None:
    """A tab at the end of the line is what it says, and no blank."""
    assert parse(f"sep=\t\nname\tphone\nAda\t{PHONE}\n").names == ["Ada"]


@pytest.mark.parametrize(
    ("line", "delimiter", "said"),
    [
        ("sep=#", ",", "'#' is the delimiter, which is none of"),
        ("sep=;", "|", "by semicolons, and"),
    ],
)
def test_line_sep_that_cannot_hold_is_refused(line: str, delimiter: str, said: str) -> None:
    """A delimiter that is none, or contradicts the request, is named."""
    with pytest.raises(CsvRefused, match=said):
        parse(f"{line}\nname;phone\n", csv_format=CsvFormat(delimiter=delimiter))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_with_its_name(encoding: str) -> None:
    """UTF-16 is recognised with and without its byte order mark."""
    with pytest.raises(CsvRefused, match=f"UTF-16; say encoding={encoding},"):
        parse(f"name,phone\nAda,{PHONE}\n".encode(encoding))


def test_value_in_a_column_without_a_name_is_a_reject() -> None:
    """Columns without a name are none only while they have no value."""
    parsed = parse(f"phone,name,,\n{PHONE},Ada,,\n{OTHER},Bo,,x\n447700900113,Cy\n")
    assert parsed.names == ["Ada", "Cy"]
    assert parsed.reasons == {3: "4 columns where 2 are expected (phone, name)"}
