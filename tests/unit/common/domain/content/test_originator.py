import pytest

from campaign_common.domain.content.originator import can_receive, require_originator
from campaign_common.errors import OriginatorInvalid


@pytest.mark.parametrize(
    "text",
    [
        "Shop",
        "my-shop 24",
        "Käse & Co.",
        "12345",
        "+491701234567",
        "+" + "1" * 15,
        "106540352242922",
        "1" * 20,
        "24-7 Taxi",
    ],
)
def test_an_address_of_a_short_message_is_an_originator(text: str) -> None:
    assert require_originator(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a number must have"),
        ("+", "a number must have"),
        ("1" * 21, "a number must have"),
        ("+" + "1" * 16, "a number must have"),
        ("Shop-of-Ulms", "1 to 11 characters"),
        (" Shop", "without blanks"),
        ("Лавка", "'Л' is not in the GSM 7-bit default alphabet"),
        ("Shop{1}", r"'\{' is not in"),
        ("Shop\r\nTo", r"'\\r' is not in"),
        ("١٢٣", "is not in"),
    ],
    ids=ascii,
)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(OriginatorInvalid, match=reason):
        require_originator(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("12345", True, id="short code"),
        pytest.param("+491701234567", True, id="international number"),
        pytest.param("Shop", False, id="name"),
        pytest.param("24-7 Taxi", False, id="name with digits"),
        pytest.param("MG9752274e9e519418a7406176694466fa", None, id="pool of numbers"),
    ],
)
def test_people_can_answer_to_numbers(text: str, expected: bool | None) -> None:
    assert can_receive(text) is expected
