"""Times of a place, as moments."""

from datetime import datetime

import pytest

from campaign_common.domain.local_time import NoSuchTime, moment_in


@pytest.mark.parametrize(
    ("local", "zone", "moment"),
    [
        ("2027-01-31T09:00", "Europe/Oslo", "2027-01-31T09:00+01:00"),
        ("2027-07-31T09:00", "Europe/Oslo", "2027-07-31T09:00+02:00"),
        ("2027-03-28T01:59:59", "Europe/Oslo", "2027-03-28T01:59:59+01:00"),
        ("2027-03-28T03:00", "Europe/Oslo", "2027-03-28T03:00+02:00"),
        ("2027-10-31T03:00", "Europe/Oslo", "2027-10-31T03:00+01:00"),
        ("2027-01-31T09:00", "Asia/Kolkata", "2027-01-31T09:00+05:30"),
        ("2027-01-31T09:00", "UTC", "2027-01-31T09:00+00:00"),
    ],
)
def test_a_time_of_a_place_is_a_moment(local: str, zone: str, moment: str) -> None:
    assert moment_in(datetime.fromisoformat(local), zone) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("local", "zone", "said"),
    [
        pytest.param("2027-03-28T02:00", "Europe/Oslo", "leave out", id="gap, first"),
        pytest.param("2027-03-28T02:59:59", "Europe/Oslo", "leave out", id="gap, last"),
        pytest.param(
            "2027-10-31T02:00", "Europe/Oslo", "02:00:00\\+02:00 and", id="overlap, first"
        ),
        pytest.param("2027-10-31T02:59", "Europe/Oslo", "02:59:00\\+01:00", id="overlap, last"),
        pytest.param("2027-10-03T02:15", "Australia/Lord_Howe", "leave out", id="half an hour"),
        pytest.param("2011-12-30T12:00", "Pacific/Apia", "leave out", id="a day"),
    ],
)
def test_a_time_that_is_none_or_two_is_refused(local: str, zone: str, said: str) -> None:
    with pytest.raises(NoSuchTime, match=said):
        moment_in(datetime.fromisoformat(local), zone)
