import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.recipient import column_name, normalise_phone


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("13961467500", "13961467500"),
        ("+49 (30) 123-45.67", "49301234567"),
        ("1234567", "1234567"),
        ("123456789012345", "123456789012345"),
        (" 0013961467500 ", "0013961467500"),
    ],
)
def test_phone_is_reduced_to_its_digits(text: str, digits: str) -> None:
    assert normalise_phone(text) == digits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "123456",
        "1234567890123456",
        "1396146750a",
        "1396146,7500",
        "١٣٩٦١٤٦٧٥٠٠",
        "\uff11\uff13\uff19\uff16\uff11\uff14\uff16\uff17\uff15\uff10\uff10",
        "13961467500\n",
        "1396\t1467500",
        "phone",
        "+-. ()",
        "1.39614675e10",
    ],
)
def test_what_is_no_phone_is_refused(text: str) -> None:
    assert normalise_phone(text) is None


@given(st.text())
def test_whatever_is_accepted_is_7_to_15_ascii_digits(text: str) -> None:
    digits = normalise_phone(text)
    assert digits is None or (
        digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15 and len(text) >= 7
    )


@given(st.from_regex(r"[0-9]{7,15}", fullmatch=True), st.lists(st.sampled_from("+ -.()")))
def test_punctuation_anywhere_changes_nothing(digits: str, punctuation: list[str]) -> None:
    text = "".join(digits[i : i + 1] + "".join(punctuation[i : i + 1]) for i in range(50))
    assert normalise_phone(text) == digits


def test_column_names_are_compared_without_case_space_and_composition() -> None:
    assert column_name("  Phone\t") == "phone"
    assert column_name("CAFE\u0301") == column_name("café")
