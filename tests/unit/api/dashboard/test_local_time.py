"""Times that people type: gaps and repeated hours of zones, and days of a zone."""

from datetime import UTC, date, datetime, time

import pytest

from campaign_api.dashboard.local_time import date_of, zone_names
from campaign_common.domain.local_time import LocalTime, day_bounds, local_of

BERLIN = "Europe/Berlin"
SPRING, AUTUMN = date(2036, 3, 30), date(2036, 10, 26)


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        (LocalTime(SPRING, time(1, 59), BERLIN), "2036-03-30T00:59+00:00"),
        (LocalTime(SPRING, time(3), BERLIN), "2036-03-30T01:00+00:00"),
        (LocalTime(AUTUMN, time(2, 30), BERLIN), "2036-10-26T00:30+00:00"),
        (LocalTime(AUTUMN, time(2, 30), BERLIN, is_second=True), "2036-10-26T01:30+00:00"),
        (LocalTime(SPRING, time(5, 30), "Asia/Kolkata"), "2036-03-30T00:00+00:00"),
        (LocalTime(SPRING, time(2, 30), "UTC", is_second=True), "2036-03-30T02:30+00:00"),
    ],
    ids=["before a gap", "after a gap", "first of two", "second of two", "half an hour", "UTC"],
)
def test_a_time_of_a_zone_is_an_instant(local: LocalTime, instant: str) -> None:
    assert local.instant == datetime.fromisoformat(instant)
    assert not local.is_skipped
    if local.zone != "UTC":
        assert local_of(local.instant, local.zone) == local


@pytest.mark.parametrize(
    ("local", "is_skipped", "is_shown_twice"),
    [
        (LocalTime(SPRING, time(1, 59), BERLIN), False, False),
        (LocalTime(SPRING, time(2), BERLIN), True, False),
        (LocalTime(SPRING, time(2, 59), BERLIN), True, False),
        (LocalTime(SPRING, time(3), BERLIN), False, False),
        (LocalTime(AUTUMN, time(1, 59), BERLIN), False, False),
        (LocalTime(AUTUMN, time(2), BERLIN), False, True),
        (LocalTime(AUTUMN, time(2, 59), BERLIN, is_second=True), False, True),
        (LocalTime(AUTUMN, time(3), BERLIN), False, False),
        (LocalTime(date(2036, 10, 5), time(2, 15), "Australia/Lord_Howe"), True, False),
    ],
)
def test_gaps_and_repeated_hours_are_known(
    local: LocalTime, is_skipped: bool, is_shown_twice: bool
) -> None:
    assert (local.is_skipped, local.is_shown_twice) == (is_skipped, is_shown_twice)


def test_a_day_has_the_hours_of_its_zone() -> None:
    hours = [
        (before - since).total_seconds() / 3600
        for since, before in (day_bounds(day, day, BERLIN) for day in (SPRING, AUTUMN))
    ]
    assert hours == [23, 25]
    since, before = day_bounds(date(2036, 5, 1), date(2036, 5, 31), "Pacific/Kiritimati")
    assert since == datetime(2036, 4, 30, 10, tzinfo=UTC)
    assert before == datetime(2036, 5, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2036-02-30", "2036-1-1", "20360101", "9000-01-01", "1970-01-01", "٢٠٣٦-01-01"]
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert date_of(text) is None


def test_zones_are_places_and_utc() -> None:
    names = zone_names()
    assert names[0] == "UTC"
    assert {BERLIN, "Asia/Kolkata", "America/Argentina/Buenos_Aires"} <= set(names)
    assert not [name for name in names if name.startswith(("Etc/", "posix"))]
    for name in names:
        for edge in (date(1971, 1, 1), date(8999, 12, 31)):
            assert day_bounds(edge, edge, name)
