"""The time zone that a campaign was planned in is kept and shown."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from tests.integration.api.drafted import PATH, body, made, problem
from tests.integration.api.stored import add_list

OSLO = "Europe/Oslo"


@pytest.fixture(autouse=True)
def recipients(pool: Database) -> None:
    add_list(pool, [("13961467500", "Ann", {"city": "Oslo"})])


def shown(found: dict[str, Any]) -> tuple[str | None, str | None]:
    return found["scheduled_at"], found["time_zone"]


def test_the_zone_stays_until_another_is_named(client: FlaskClient) -> None:
    """Over another time, a clone and a change; null removes it."""
    campaign = made(client, scheduled_at="2036-01-31T09:00:00", time_zone=OSLO)
    assert shown(campaign) == ("2036-01-31T08:00:00.000Z", OSLO)
    path = f"{PATH}/{campaign['id']}"

    def planned(**fields: object) -> tuple[str | None, str | None]:
        answer = client.post(f"{path}/schedule", json=fields)
        assert answer.status_code == 200, answer.text
        return shown(body(answer))

    assert planned(scheduled_at="2036-02-01T08:00:00Z") == ("2036-02-01T08:00:00.000Z", OSLO)
    kolkata = {"scheduled_at": "2036-02-01T08:00:00Z", "time_zone": "Asia/Kolkata"}
    assert planned(**kolkata) == ("2036-02-01T08:00:00.000Z", "Asia/Kolkata")
    (listed,) = body(client.get(PATH))["campaigns"]
    assert listed["time_zone"] == "Asia/Kolkata"
    assert shown(body(client.post(f"{path}/clone"))) == (None, "Asia/Kolkata")
    changed = {"scheduled_at": "2036-07-01T09:00:00", "time_zone": OSLO}
    assert shown(body(client.patch(path, json=changed))) == ("2036-07-01T07:00:00.000Z", OSLO)
    without = body(client.patch(path, json={"time_zone": None}))
    assert shown(without) == ("2036-07-01T07:00:00.000Z", None)


def test_a_time_that_clocks_leave_out_is_no_start(client: FlaskClient) -> None:
    campaign = made(client)
    answer = client.post(
        f"{PATH}/{campaign['id']}/schedule",
        json={"scheduled_at": "2036-03-30T02:30:00", "time_zone": OSLO},
    )
    status, kind, errors = problem(answer)
    assert (status, kind) == (422, "invalid-fields")
    assert errors == {"scheduled_at": "is a time that the clocks of Europe/Oslo leave out"}
