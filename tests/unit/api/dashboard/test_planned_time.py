"""Planned times as they are typed: what is refused, and what goes to the next page."""

from datetime import UTC, datetime

import pytest

from campaign_api.dashboard.screens.new_campaign.planned_time import TypedTime
from campaign_api.errors import RequestInvalid

NOW = datetime(2036, 7, 1, 8, 0, 30, tzinfo=UTC)
TWICE = TypedTime("later", "2036-10-26", "02:30", "Europe/Berlin")


@pytest.mark.parametrize(
    ("typed", "hour"),
    [
        (TypedTime("later", "2036-07-01", "08:00"), 8),
        (TypedTime("later", "2036-07-01", "12:00:00", "Europe/Berlin"), 10),
        (TWICE._replace(which="first"), 0),
        (TWICE._replace(which="second"), 1),
    ],
)
def test_a_time_is_read_in_its_zone(typed: TypedTime, hour: int) -> None:
    """One that is past by less than a minute is now."""
    found = typed.read(NOW)
    assert found is not None
    assert found.hour == hour
    assert TypedTime.of_fields(typed.query()) == typed


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        (TypedTime("later", "2036-07-01", "07:59"), ["date"]),
        (TypedTime("later", "", ""), ["date", "time"]),
        (TypedTime("later", "2036-07-01", "24:00", "Etc/UTC"), ["time", "time_zone"]),
        (TypedTime("later", "2037-03-29", "02:30", "Europe/Berlin"), ["time"]),
        (TWICE, ["which"]),
        (TWICE._replace(which="both"), ["which"]),
        (TypedTime("never", "2036-02-30", "10:00"), ["date"]),
    ],
)
def test_a_time_that_is_none_is_refused(typed: TypedTime, fields: list[str]) -> None:
    with pytest.raises(RequestInvalid) as refused:
        typed.read(NOW)
    assert [each.field for each in refused.value.wrong] == fields


def test_at_once_needs_no_time() -> None:
    typed = TypedTime("now", "x", "y", "z")
    assert typed.read(NOW) is None
    assert typed.query() == {"when": "now"}
    assert not typed.is_ambiguous
