"""Starts of campaigns in requests: moments, and times of a zone."""

from datetime import UTC, datetime

import pytest
from marshmallow import ValidationError

from campaign_api.schemas.campaigns.actions import Schedule

OSLO = "Europe/Oslo"


@pytest.mark.parametrize(
    ("text", "zone", "hour"),
    [
        ("2036-01-31T09:00:00Z", None, 9),
        ("2036-01-31T09:00:00+02:00", OSLO, 7),
        ("2036-01-31T09:00:00", OSLO, 8),
        ("2036-01-31t09:00:00.000", OSLO, 8),
    ],
)
def test_starts_are_moments(text: str, zone: str | None, hour: int) -> None:
    """An offset goes before the zone, which is then only shown."""
    body = {"scheduled_at": text} if zone is None else {"scheduled_at": text, "time_zone": zone}
    read = Schedule().load(body)
    assert read.get("time_zone") == zone
    assert read["scheduled_at"].astimezone(UTC) == datetime(2036, 1, 31, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "wrong"),
    [
        ("2036-01-31T09:00:00", None, {"scheduled_at"}),
        ("2036-01-31T09:00:00", "Mars/Olympus", {"scheduled_at", "time_zone"}),
        ("2036-01-31T09:00:00Z", "../../etc/passwd", {"time_zone"}),
        ("2036-01-31T09:00:00Z", "localtime", {"time_zone"}),
        ("2036-01-31T09:00:00Z", 5, {"time_zone"}),
        ("2036-01-31T09:00:00", {}, {"scheduled_at", "time_zone"}),
        ("2036-02-30T09:00:00", OSLO, {"scheduled_at"}),
        ("0001-01-01T00:00:00", OSLO, {"scheduled_at"}),
        ("2036-03-30T02:30:00", OSLO, {"scheduled_at"}),
        ("2036-10-26T02:30:00", OSLO, {"scheduled_at"}),
        ("2036-01-31 09:00:00", OSLO, {"scheduled_at"}),
    ],
)
def test_starts_that_are_none_are_refused(text: str, zone: object, wrong: set[str]) -> None:
    body = {"scheduled_at": text} if zone is None else {"scheduled_at": text, "time_zone": zone}
    with pytest.raises(ValidationError) as refused:
        Schedule().load(body)
    assert set(refused.value.messages_dict) == wrong


def test_a_time_that_is_two_names_both() -> None:
    with pytest.raises(ValidationError, match=r"02:30:00.02:00 and 2036-10-26T02:30:00.01:00"):
        Schedule().load({"scheduled_at": "2036-10-26T02:30:00", "time_zone": OSLO})
