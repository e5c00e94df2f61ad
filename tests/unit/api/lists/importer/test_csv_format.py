import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat

from campaign_api.errors import CsvRefused
from campaign_api.lists.importer.csv_format import DELIMITERS, CsvFormat
from campaign_api.lists.importer.line_reader import COMPRESSED
from campaign_api.lists.importer.phones import NOT_OF_REGION, phone_reader
from campaign_common.domain import phone_number
from tests.unit.api.lists.importer.csv_text import parse


def said(**options: str) -> CsvFormat:
    return CsvFormat(**options)


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_any_delimiter_separates_plain_and_quoted_fields(delimiter: str) -> None:
    text = f'name{delimiter}phone\n"a{delimiter}""b"""{delimiter}13961467500\n'
    parsed = parse(text + f"c{delimiter}13961467501\n", csv_format=said(delimiter=delimiter))
    assert parsed.names == [f'a{delimiter}"b"', "c"]


def test_other_delimiters_are_text() -> None:
    parsed = parse("name|phone\na,b;c|13961467500\n", csv_format=said(delimiter="|"))
    assert parsed.names == ["a,b;c"]


@pytest.mark.parametrize(
    "encoding",
    ["utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "windows-1252", "iso-8859-15", "utf-8"],
)
def test_text_of_an_encoding_is_read_whatever_its_blocks(encoding: str) -> None:
    names = [f"Jürgen {n}" for n in range(30_000)]  # more than a block
    text = "".join(f"{name},{13961467500 + n}\n" for n, name in enumerate(names))
    parsed = parse(text, csv_format=said(encoding=encoding))
    assert parsed.names == names


def test_undecodable_bytes_cost_only_their_own_line() -> None:
    text = "a,13961467500\nß\x81,13961467501\nc,13961467502\n".encode("latin-1")
    parsed = parse(text, csv_format=said(encoding="windows-1252"))
    assert parsed.names == ["a", "c"]
    assert parsed.reasons == {2: "line is not valid WINDOWS-1252"}


def test_half_a_character_at_the_end_is_a_reject() -> None:
    cut = "a,13961467500\nb,13961467501".encode("utf-16-le")[:-1]
    parsed = parse(cut, csv_format=said(encoding="utf-16-le"))
    assert (parsed.names, list(parsed.reasons)) == (["a"], [2])


def test_utf_16_needs_to_say_which() -> None:
    with pytest.raises(CsvRefused, match="byte order mark"):
        parse("a,1".encode("utf-16-le"), csv_format=said(encoding="utf-16"))


@pytest.mark.parametrize("begin", COMPRESSED)
def test_compressed_file_is_refused(begin: bytes) -> None:
    with pytest.raises(CsvRefused, match="compressed"):
        parse(begin + b"\nAnn,13961467500\n")


def test_columns_can_be_named() -> None:
    parsed = parse(
        "Kunde,Mobil,Ort\nAnn,13961467500,Oslo\n",
        csv_format=said(phone_column="MOBIL ", name_column="kunde"),
    )
    assert parsed.columns.names == ("name", "phone", "ort")
    assert (parsed.names, parsed.accepted[0].phone) == (["Ann"], "13961467500")


@pytest.mark.parametrize(
    ("header", "options", "said_of_it"),
    [
        ("a,phone", {"phone_column": "mobile"}, "missing column mobile"),
        ("a,b", {"name_column": "a"}, "missing column phone"),
        ("phone,mobile", {"phone_column": "mobile"}, "a column phone besides mobile"),
        ("phone,name,nick", {"name_column": "nick"}, "a column name besides nick"),
        ("phone,b", {"phone_column": "phone", "name_column": "phone"}, "missing column phone"),
    ],
)
def test_named_column_must_be_there_alone(
    header: str, options: dict[str, str], said_of_it: str
) -> None:
    with pytest.raises(CsvRefused, match=said_of_it):
        parse(f"{header}\n13961467500,13961467501\n", csv_format=said(**options))


def test_refusal_names_only_so_many_columns() -> None:
    header = ",".join(f"{'c' * 100}{n}" for n in range(400))
    with pytest.raises(CsvRefused, match="and 380 more") as refused:
        parse(header + "\n", csv_format=said(phone_column="mobile"))
    assert len(str(refused.value)) < 2000


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0171 1234567", "491711234567"),
        ("(030) 123-456-78", "493012345678"),
        ("030/12345678", "493012345678"),
        ("+49 (0)171 1234567", "491711234567"),
        ("0049 (0) 171 1234567", "491711234567"),
        ("tel:+49-171-1234567", "491711234567"),
        ("+43 664 1234567", "436641234567"),
        ("0043 664 1234567", "436641234567"),
    ],
)
def test_numbers_of_a_region_become_international(written: str, stored: str) -> None:
    parsed = parse(f"a,{written}\n", csv_format=said(default_region="DE"))
    assert [row.phone for row in parsed.accepted] == [stored]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1", NOT_OF_REGION.format("DE")),
        ("+999123456", NOT_OF_REGION.format("DE")),
        ("0" * 30, phone_number.NOT_7_TO_15_DIGITS),
        ("1-800-FLOWERS", phone_number.LETTERS),
        ("030 12345678 ext. 5", phone_number.EXTENSION),
        ("tel:03012345678", phone_number.TEL_LOCAL),
        ("12.05.2026", phone_number.DATE),
        ("447700900111.0", phone_number.DECIMAL_FRACTION),
        ("030 1234567 030 1234568", phone_number.TWO_NUMBERS),
        ("030 1234567/68", phone_number.ALTERNATIVE_ENDING),
    ],
)
def test_region_loosens_nothing(written: str, reason: str) -> None:
    """A value that is no number of the region, or none at all, is a reject that says so."""
    options = {"default_region": "DE", "phone_column": "phone"}
    parsed = parse(f"phone\n{written}\n", csv_format=said(**options))
    assert list(parsed.reasons.values()) == [reason]


def test_every_example_of_every_region_is_read_at_home() -> None:
    """With its region each national number becomes the international one."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        reader = phone_reader(region)
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            e164 = phonenumbers.format_number(example, PhoneNumberFormat.E164).removeprefix("+")
            national = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)
            assert reader.digits(national) == (e164 if len(e164) >= 7 else None), national


def test_number_twice_in_two_spellings_is_one_number() -> None:
    text = "a,0171 1234567\nb,+49 (171) 1234567\n"
    parsed = parse(text, csv_format=said(default_region="DE"))
    assert {row.phone for row in parsed.accepted} == {"491711234567"}
