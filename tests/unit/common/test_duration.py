import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4h", 14400.0),
        ("5s", 5.0),
        ("250ms", 0.25),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1m0.25s", 60.25),
        ("300us", 0.0003),
        ("300µs", 0.0003),
        ("10ns", 1e-8),
        ("0", 0.0),
        ("-2s", -2.0),
    ],
)
def test_every_go_form_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "5 s", "s", "5d", "1h 30m", "five", "5s!", "\u0665s"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 250ms, 5s or 1h30m"):
        parse_duration(text)


def test_a_plain_number_is_refused_with_the_units_it_lacks() -> None:
    with pytest.raises(ValueError, match="add a unit: 90s, 90ms"):
        parse_duration("90")


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_what_is_written_reads_back_to_the_millisecond(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=0.0005)
