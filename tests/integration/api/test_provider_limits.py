"""GET, PUT, DELETE /v1/providers/{name}/limits."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.store.limits.live_limits import read_live, set_live
from tests.integration.api.stored import change

URL = "/v1/providers/simulated/limits"
NONE = {
    "per_second": None,
    "unit": "messages",
    "concurrency": None,
    "per_day": None,
    "zone": "UTC",
    "ramp": [],
}
SOME = {
    "per_second": 7.5,
    "unit": "segments",
    "concurrency": 4,
    "per_day": 2000,
    "zone": "America/Los_Angeles",
    "ramp": [{"from": "2027-01-01", "per_second": 0.1, "per_day": None}],
}


def test_limits_are_set_read_and_deleted(client: FlaskClient) -> None:
    before = client.get(URL)
    assert (before.status_code, before.json) == (
        200,
        {"provider": "simulated", "source": "configured", "limits": NONE, "events": []},
    )
    assert client.put(URL, json=SOME).status_code == 200
    assert client.put(URL, json=SOME).status_code == 200, "the same once more is no change"
    assert client.put(URL, json={"per_second": 50}).status_code == 200
    read = client.get(URL).json
    assert read is not None
    assert (read["source"], read["limits"]) == ("live", NONE | {"per_second": 50.0})
    assert [event["limits"] for event in read["events"]] == [NONE | {"per_second": 50.0}, SOME]
    deleted = client.delete(URL)
    assert deleted.json is not None
    assert (deleted.json["source"], deleted.json["limits"]) == ("configured", NONE)
    assert deleted.json["events"][0]["limits"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"per_second": 0}, "per_second"),
        ({"per_second": 0.0001}, "per_second"),
        ({"per_second": "5"}, "per_second"),
        ({"per_second": True}, "per_second"),
        ({"per_day": 1.5}, "per_day"),
        ({"concurrency": 0}, "concurrency"),
        ({"unit": "bytes"}, "unit"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "localtime"}, "zone"),
        ({"ramp": [{"from": "tomorrow"}]}, "ramp.0.from"),
        ({"ramp": [{"from": "2027-W01-1", "per_day": 5}]}, "ramp.0.from"),
        ({"ramp": [{"from": "2027-01-01"}]}, "ramp"),
        ({"ramp": 2 * [{"from": "2027-01-01", "per_day": 5}]}, "ramp"),
        ({"per_minute": 5}, "per_minute"),
    ],
)
def test_limits_that_mean_nothing_are_refused(
    client: FlaskClient, body: dict[str, Any], field: str
) -> None:
    answer = client.put(URL, json=body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_limits_of_a_newer_version_can_be_replaced(client: FlaskClient, pool: Database) -> None:
    assert client.put(URL, json=SOME).status_code == 200
    for table, column in (("provider_limits", "limits"), ("provider_events", "details")):
        change(
            pool, f"UPDATE {table} SET {column} = JSON_OBJECT('limits', JSON_OBJECT('burst', 5))"
        )
    read = client.get(URL).json
    assert read is not None
    assert (read["source"], read["limits"]) == ("live", None)
    assert [event["limits"] for event in read["events"]] == [None]
    replaced = client.put(URL, json=SOME).json
    assert replaced is not None
    assert replaced["limits"] == SOME


def test_an_unknown_provider_has_no_limits(client: FlaskClient) -> None:
    for method in ("get", "delete"):
        assert getattr(client, method)("/v1/providers/nobody/limits").status_code == 404
    assert client.put("/v1/providers/nobody/limits", json=SOME).status_code == 404


def test_first_limits_of_two_people_are_told_apart(pool: Database) -> None:
    """A row that is not there yet cannot be locked; who comes second is told so."""
    limits = ProviderLimits(per_day=5)
    with pool.transaction() as cursor:
        assert read_live(cursor, "simulated", lock=True) is None
        assert pool.run(lambda other: set_live(other, "simulated", limits, "Ann"))
        assert not set_live(cursor, "simulated", limits, "Bob")
