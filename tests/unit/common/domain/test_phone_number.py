"""Values that are one telephone number, and those that are none, with the reason."""

import re
import unicodedata
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from campaign_common.domain import phone_number
from campaign_common.domain.phone_number import normalise_phone, phone_fault, read_phone

TYPES = PhoneNumberType.values()

TOO_SHORT_ABROAD = frozenset({"989601"})
"""Iran's 9601 has six digits with its country code; no other example has fewer than seven."""


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("13961467500", "13961467500"),
        ("+13961467500", "13961467500"),
        ("1234567", "1234567"),
        ("123456789012345", "123456789012345"),
        ("+49 (30) 123-45.67", "49301234567"),
        (" 0013961467500 ", "0013961467500"),
        ("13961467500\n", "13961467500"),
        ("+44 7700 900111", "447700900111"),
        ("+ 44 7700 900111", "447700900111"),
        ("(+44) 7700 900111", "447700900111"),
        ("(0044) 7700 900111", "00447700900111"),
        ("212-555-0100", "2125550100"),
        ("(212) 555-0100", "2125550100"),
        ("1-(212)-555-0100", "12125550100"),
        ("1.212.555.0100", "12125550100"),
        ("030 - 1234567", "0301234567"),
        ("0171 / 1234567", "01711234567"),
        ("(030)/1234567", "0301234567"),
        ("(06 1) 234 5678", "0612345678"),
        ("22.12.34.56", "22123456"),
        ("0171.1234567", "01711234567"),
    ],
)
def test_spellings_of_one_number(text: str, digits: str) -> None:
    """Groups of digits with one separator between them are one number."""
    assert normalise_phone(text) == digits


@pytest.mark.parametrize(
    "text",
    [
        "+44 (0)7700 900111",
        "+44(0)7700900111",
        "+44 (0) 7700 900111",
        "+44-(0)-7700-900111",
        "(+44) (0)7700 900111",
        "44 (0)7700 900111",
    ],
)
def test_trunk_zero_after_a_country_code_is_dropped(text: str) -> None:
    """Nobody dials the 0 in parentheses from abroad."""
    assert normalise_phone(text) == "447700900111"


@pytest.mark.parametrize(
    "text",
    [
        "\u202d+447700900111\u202c",
        "\u2066+447700900111\u2069",
        "\ufeff447700900111\u200b",
        "+44\u00a07700\u00a0900111",
        "+44\u202f7700\u2007900111",
        "44\u20117700\u2011900111",
        "44\u20137700\u2013900111",
        "44\u22127700\u2212900111",
        "44 \u200e7700\u200f 900111",
        "447700\u200b900111",
        "447700\u00ad900111",
        "\uff0b44\u30007700\uff0d900111",
        "\uff0844\uff097700900111",
    ],
    ids=ascii,
)
def test_unseen_and_typographic_characters(text: str) -> None:
    """Invisible characters, other blanks and hyphens are punctuation like any other."""
    assert normalise_phone(text) == "447700900111"


@pytest.mark.parametrize(
    ("text", "digits"),
    [("tel:+44-7700-900111", "447700900111"), ("TEL:+1(212)555.0100", "12125550100")],
)
def test_tel_uri_of_an_international_number(text: str, digits: str) -> None:
    """A global number of RFC 3966 without parameters says everything."""
    assert normalise_phone(text) == digits


FAULTS = {
    phone_number.EMPTY: ["", "  ", "\t", "\u200b \u200e"],
    phone_number.NOT_7_TO_15_DIGITS: [
        "123456",
        "1",
        "1234567890123456",
        "+1",
        "1" * 60_000,
        "+44 12",
        "+44 7700 900111 222 333",
    ],
    phone_number.DECIMAL_FRACTION: [
        "447700900111.0",
        "447700900111.00",
        "+447700900111.0",
        "-447700900111.0",
        "447700900111.5",
        "447700900111,0",
        "447700.0",
        "0.447700900111",
        "12345.67",
    ],
    phone_number.SCIENTIFIC: [
        "4.47700900111E+11",
        "4,477E+11",
        "1.39614675e10",
        "-13961467500e5",
        "1e10",
    ],
    phone_number.DATE: [
        "2026-05-12",
        "2026/05/12",
        "2026.05.12",
        "2026-31-12",
        "2026 05 12",
        "9999-12-31",
        "12-05-2026",
        "12/05/2026",
        "12.05.2026",
        "05/31/2026",
        "5/12/2026",
        "12. 05. 2026",
        "2026\u201105\u201112",
        "2026-05-12 10:30",
        "2026-05-12 10:30:00",
        "2026-05-12T10:30:00.000Z",
        "05/12/2026 10:30 PM",
        "20260512 103000",
        "20260512T103000Z",
    ],
    phone_number.TWO_NUMBERS: [
        "5550100 5550101",
        "5550100-5550101",
        "5550100/5550101",
        "5550100 / 5550101",
        "5550100;5550101",
        "5550100, 5550101",
        "5550100 \u2013 5550199",
        "5550100\u200b5550101",
        "5550100  5550101",
        "5550100\t5550101",
        "5550100\n5550101",
        "555-0100 555-0101",
        "555 0100 555 0101",
        "+44 7700 900111 +44 7700 900112",
        "+44 7700 900111+44 7700 900112",
        "07700900111 +44 7700 900112",
        "+44 7700 900111 or +44 7700 900112",
        "+44 7700 900111, +44 7700 900112",
        "0171 1234567 0172 1234567",
    ],
    phone_number.ALTERNATIVE_ENDING: ["030 1234567/68", "+44 7700 900111/2", "030/123/4567"],
    phone_number.EXTENSION: [
        "+44 7700 900111 ext. 5",
        "+44 7700 900111 ext 5",
        "+44 7700 900111x5",
        "+44 7700 900111 #5",
        "+44 7700 900111, extension 5",
    ],
    phone_number.LETTERS: [
        "phone",
        "null",
        "NaN",
        "1-800-FLOWERS",
        "0x33FFFFFFF",
        "139\u200b6146\u200b7500x",
        "+44 7700 900111 (home)",
    ],
    phone_number.OTHER_DIGITS: ["١٣٩٦١٤٦٧٥٠٠", "\uff11\uff13\uff19\uff16\uff11\uff14\uff16\uff17"],
    phone_number.OVERRIDE: ["\u202e111009007744", "\u202e+447700900111\u202c"],
    phone_number.PLUS_ZERO: ["+07700900111", "+0044 7700 900111", "(+0) 7700 900111"],
    phone_number.ZERO_IN_PARENTHESES: [
        "(0)20 7946 0018",
        "020 (0)7946 0018",
        "555 (0) 1234567",
        "+999 7700 (0) 900111",
    ],
    phone_number.ZERO_OF_THE_NUMBER: ["+39 (0)6 69812345", "00225 (0)123456789"],
    phone_number.TEL_LOCAL: ["tel:13961467500", "tel:"],
    phone_number.TEL_PARAMETER: [
        "tel:+44-7700-900111;ext=5",
        "tel:7700900111;phone-context=+44",
        "tel:7700900111;phone-context=example.com",
        "tel:+44-7700-900111;isub=1",
    ],
    phone_number.IP_ADDRESS: ["192.168.10.12"],
    phone_number.NOT_GROUPS: [
        "-447700900111",
        "447700900111-",
        "447700900111.",
        "+44  7700 900111",
        "+44--7700900111",
        "++447700900111",
        "((030)) 1234567",
        "(030 1234567",
        "030) 1234567",
        "030 (1234567)",
        "(030) (123) 4567",
        "+-. ()",
    ],
    "phone has the character U+0027 APOSTROPHE": ["'447700900111"],
    "phone has the character U+0009": ["1396\t1467500"],
    "phone has the character U+002C COMMA": ["1,396,146"],
    "phone has the character U+007E TILDE": ["447700900111\u301c12"],
}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(text, reason, id=ascii(text)[:40])
        for reason, texts in FAULTS.items()
        for text in texts
    ],
)
def test_what_is_no_number_is_named(text: str, reason: str) -> None:
    """A value that is something else, or may be two numbers, is none and says so."""
    assert normalise_phone(text) is None
    assert phone_fault(text) == reason


def examples() -> Iterator[tuple[str, phonenumbers.PhoneNumber]]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in TYPES:
            example = phonenumbers.example_number_for_type(region, kind)
            if example is not None:
                yield region, example
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        example = phonenumbers.example_number_for_non_geo_entity(code)
        assert example is not None
        yield "001", example


@pytest.mark.parametrize(
    "form", [PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966, PhoneNumberFormat.E164]
)
def test_every_example_of_every_region_abroad(form: int) -> None:
    """Each type of number of each region is read as written for callers from abroad."""
    found = set()
    for region, example in examples():
        digits = phonenumbers.format_number(example, PhoneNumberFormat.E164).removeprefix("+")
        text = phonenumbers.format_number(example, form)
        if digits in TOO_SHORT_ABROAD:
            assert normalise_phone(text) is None
            assert read_phone(text).digits == digits
        else:
            assert normalise_phone(text) == digits, text
            found.add(region)
    assert found == {*phonenumbers.SUPPORTED_REGIONS, "001"}


def test_every_example_of_every_region_at_home() -> None:
    """Each type of number of each region is read as written for callers of the region."""
    for _, example in examples():
        text = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)
        assert read_phone(text).digits == re.sub("[^0-9]", "", text), text


def test_countries_whose_numbers_keep_their_zero() -> None:
    """The table is what libphonenumber has of geographic and mobile numbers."""
    kinds = {PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE}
    keeping = {
        str(example.country_code)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in kinds
        if (example := phonenumbers.example_number_for_type(region, kind)) is not None
        and example.italian_leading_zero
    }
    assert keeping == phone_number.ZERO_KEPT


def test_calling_codes_are_those_of_e_164() -> None:
    """A (0) is dropped after every calling code there is."""
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        if str(code) not in phone_number.ZERO_KEPT:
            assert normalise_phone(f"+{code} (0)23456789") == f"{code}23456789"


def test_every_blank_hyphen_and_unseen_character_is_known() -> None:
    """A character of these categories separates two groups and is none at the ends."""
    for point in range(0x80, 0x10000):
        character = chr(point)
        category = unicodedata.category(character)
        if category in {"Zs", "Cf"} and character != "\u202e":
            assert normalise_phone(f"{character}4477{character}00900111") == "447700900111"
        if category == "Pd" and character not in "\u301c\u3030":
            assert normalise_phone(f"4477{character}00900111") == "447700900111"


@given(st.text(st.sampled_from("0123456789+()-./ \u00a0\u200bxe,;:"), max_size=40))
def test_what_is_read_has_its_digits_in_order(text: str) -> None:
    """Whatever is accepted is 7 to 15 of the text's digits, in their order."""
    digits = normalise_phone(text)
    if digits is None:
        assert phone_fault(text)
        return
    assert re.fullmatch("[0-9]{7,15}", digits)
    own = re.sub("[^0-9]", "", text)
    without_trunk_zero = re.sub("[^0-9]", "", re.sub(r"\(\s*0\s*\)", "", text.replace("\xa0", " ")))
    assert digits in (own, without_trunk_zero)


@given(st.text())
def test_any_text_is_a_number_or_has_a_reason(text: str) -> None:
    """No text breaks the grammar, and no reason quotes a digit of it."""
    if normalise_phone(text) is None:
        fixed = {reason.partition(" U+")[0] for reason in FAULTS}
        assert phone_fault(text).partition(" U+")[0] in fixed


@given(
    st.lists(st.from_regex("[0-9]{1,6}", fullmatch=True), min_size=1, max_size=5),
    st.sampled_from(["+", "+ ", "00", ""]),
    st.sampled_from([" ", "-", " - ", "\u2011", "\u00a0"]),
)
def test_fast_and_slow_path_agree(groups: list[str], prefix: str, between: str) -> None:
    """The short cuts for common spellings read what the grammar itself reads."""
    text = prefix + between.join(groups)
    try:
        slowly = read_phone(text).digits
    except phone_number.NoPhoneNumber:
        slowly = ""
    assert normalise_phone(text) == (slowly if len(slowly) >= 7 else None)
