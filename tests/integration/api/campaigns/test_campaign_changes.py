"""PATCH and DELETE of campaigns, under ETags."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.settings import Settings
from tests.integration.api.drafted import LATER, NEW, body, events, post, problem
from tests.integration.api.stored import add_list, change, value


@pytest.fixture(autouse=True)
def recipients(pool: Database) -> None:
    add_list(pool, [("13961467500", "Ann", {"city": "Oslo"}), ("13961467501", "Bob", {})])


def test_a_change_of_an_old_version_is_refused(client: FlaskClient, pool: Database) -> None:
    """A change of what was read is made and one of an old version is not."""
    first = post(client)
    path, tag = first.headers["Location"], first.headers["ETag"]
    changes = {"name": "summer", "expires_after": 60, "delivery": "at_most_once"}
    second = client.patch(path, json=changes, headers={"If-Match": tag})
    assert second.status_code == 200
    assert {field: body(second)[field] for field in changes} == changes
    assert second.headers["ETag"] != tag
    assert client.get(path).headers["ETag"] == second.headers["ETag"]

    stale = client.patch(path, json={"name": "autumn"}, headers={"If-Match": tag})
    assert problem(stale)[:2] == (412, "precondition-failed")
    weak = client.patch(
        path, json={"name": "a"}, headers={"If-Match": f"W/{second.headers['ETag']}"}
    )
    assert weak.status_code == 412
    assert body(client.get(path)) == body(second)
    assert events(pool, body(first)["id"])[1:] == [
        ("api", "draft", "draft", "changed name, expires_after, delivery")
    ]
    for headers in ({}, {"If-Match": "*"}, {"If-Match": f'"x", {second.headers["ETag"]}'}):
        assert client.patch(path, json={"name": "summer"}, headers=headers).status_code == 200


def test_what_is_so_already_is_a_success_that_changes_nothing(
    client: FlaskClient, pool: Database
) -> None:
    first = post(client, scheduled_at=LATER)
    path = first.headers["Location"]
    again = {**NEW, "scheduled_at": LATER, "expires_after": None}
    answer = client.patch(path, json=again, headers={"If-Match": '"old"'})
    assert (answer.status_code, body(answer)) == (200, body(first))
    assert len(events(pool, body(first)["id"])) == 1


def test_a_time_schedules_a_draft(client: FlaskClient, pool: Database) -> None:
    path = post(client).headers["Location"]
    scheduled = body(client.patch(path, json={"scheduled_at": LATER}))
    assert (scheduled["state"], scheduled["scheduled_at"]) == ("scheduled", LATER)
    assert events(pool, scheduled["id"])[-1][1:3] == ("draft", "scheduled")


def test_a_changed_template_must_fit_the_list_that_there_is_then(
    client: FlaskClient, pool: Database
) -> None:
    add_list(pool, [("13961467500", "Ann", {})], columns=["town"], list_id=2)
    path = post(client).headers["Location"]
    assert problem(client.patch(path, json={"template": "{town}"}))[:2] == (422, "invalid-template")
    both = {"template": "{town}", "recipient_list_id": 2}
    assert body(client.patch(path, json=both))["list"]["id"] == 2
    assert problem(client.patch(path, json={"recipient_list_id": 1}))[1] == "invalid-template"


@pytest.mark.parametrize("state", ["running", "paused", "finished", "cancelled", "failed"])
def test_a_started_campaign_is_neither_changed_nor_deleted(
    client: FlaskClient, pool: Database, state: str
) -> None:
    """A campaign that has started is neither changed nor deleted."""
    path = post(client).headers["Location"]
    change(pool, "UPDATE campaigns SET state = %s", state)
    for answer in (client.patch(path, json={"name": "x"}), client.delete(path)):
        document = body(answer)
        assert (answer.status_code, document["state"]) == (409, state)
        assert {"clone", "preview", "dry-run", "test"} <= set(document["allowed"])
        assert ("pause" in document["allowed"]) is (state == "running")
    assert value(pool, "SELECT name FROM campaigns") == "spring"


def test_deleting_compares_the_version_and_leaves_the_history(
    client: FlaskClient, pool: Database
) -> None:
    """Deleting takes the version into account and leaves the history."""
    first = post(client)
    path, campaign_id = first.headers["Location"], body(first)["id"]
    assert client.delete(path, headers={"If-Match": '"old"'}).status_code == 412
    answer = client.delete(path, headers={"If-Match": first.headers["ETag"]})
    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.patch(path, json={}).status_code == 404
    assert events(pool, campaign_id)[-1] == ("api", "draft", None, "deleted")


def test_what_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    path = post(client).headers["Location"]
    tag = client.get(path).headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"x", {tag}'):
        answer = client.get(path, headers={"If-None-Match": sent})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_two_changes_at_once_of_the_same_version_succeed_once(
    settings: Settings, pool: Database, client: FlaskClient
) -> None:
    first = post(client)
    app = create_app(settings, Databases((pool,)))

    def patch(name: str) -> int:
        answer = app.test_client().patch(
            first.headers["Location"],
            json={"name": name},
            headers={"If-Match": first.headers["ETag"]},
        )
        return answer.status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(patch, [f"name {n}" for n in range(8)]))
    assert sorted(statuses) == [200] + [412] * 7


@pytest.mark.parametrize("state", ["running", "paused"])
def test_rate_and_priority_are_changed_while_a_campaign_runs(
    client: FlaskClient, pool: Database, state: str
) -> None:
    """Senders read both within a moment; the history has the values."""
    first = post(client, max_rate=20, priority=10)
    path, made = first.headers["Location"], body(first)
    assert (made["max_rate"], made["priority"]) == (20, 10)
    change(pool, "UPDATE campaigns SET state = %s", state)
    tag = client.get(path).headers["ETag"]
    changed = client.patch(path, json={"max_rate": 0.5}, headers={"If-Match": tag})
    assert (body(changed)["max_rate"], body(changed)["priority"]) == (0.5, 10)
    assert events(pool, made["id"])[-1] == ("api", state, state, "changed max_rate to 0.5")
    stale = client.patch(path, json={"priority": 1}, headers={"If-Match": tag})
    assert problem(stale)[:2] == (412, "precondition-failed")
    both = {"max_rate": None, "priority": 1}
    assert both.items() <= body(client.patch(path, json=both)).items()
    words = "changed max_rate to none, priority to 1"
    assert events(pool, made["id"])[-1] == ("api", state, state, words)
    answered = body(client.get(f"{path}/progress"))
    assert (answered["max_rate"], answered["priority"]) == (None, 1)
    assert client.patch(path, json={"priority": 2, "name": "x"}).status_code == 409


@pytest.mark.parametrize("state", ["finished", "cancelled"])
def test_a_campaign_that_is_over_keeps_its_rate(
    client: FlaskClient, pool: Database, state: str
) -> None:
    path = post(client).headers["Location"]
    change(pool, "UPDATE campaigns SET state = %s", state)
    assert client.patch(path, json={"max_rate": 2}).status_code == 409


@pytest.mark.parametrize(
    ("field", "wrong", "expected"),
    [
        ("max_rate", 0, "must be a number from 0.001 to"),
        ("max_rate", 0.0001, "must be a number from 0.001 to"),
        ("max_rate", "fast", "must be a number from 0.001 to"),
        ("priority", 0, "must be from 1 to 10"),
        ("priority", 11, "must be from 1 to 10"),
        ("priority", None, "null"),
    ],
)
def test_a_rate_or_priority_out_of_bounds_is_refused(
    client: FlaskClient, field: str, wrong: object, expected: str
) -> None:
    answer = post(client, **{field: wrong})
    assert answer.status_code == 422
    assert field in answer.text
    assert expected in answer.text


def test_a_campaign_with_a_rate_is_none_of_0_2_0(client: FlaskClient, pool: Database) -> None:
    """Its scheduler starts none, as its senders would keep to no rate."""
    path = post(client, max_rate=20).headers["Location"]
    guarded = "SELECT template LIKE '{this campaign needs version 0.3.0}%%' FROM campaigns"
    assert value(pool, guarded) == 1
    assert body(client.get(path))["template"] == NEW["template"]
    client.patch(path, json={"max_rate": None})
    assert value(pool, guarded) == 0


def test_a_rate_set_on_a_running_campaign_is_none_of_0_2_0(
    client: FlaskClient, pool: Database
) -> None:
    """Records from then on are in the format that its senders leave to newer ones."""
    path = post(client).headers["Location"]
    change(pool, "UPDATE campaigns SET state = 'running'")
    guarded = "SELECT template LIKE '{this campaign needs version 0.3.0}%%' FROM campaigns"
    assert value(pool, guarded) == 0
    client.patch(path, json={"max_rate": 20})
    assert value(pool, guarded) == 1
    assert body(client.get(path))["template"] == NEW["template"]
    client.patch(path, json={"priority": 2})
    assert value(pool, guarded) == 1
    client.patch(path, json={"max_rate": None})
    assert value(pool, guarded) == 0


def test_a_template_that_0_2_0_changes_takes_the_guard_away(
    client: FlaskClient, pool: Database
) -> None:
    """The rate stays; the next change by an API of this version sets the guard again."""
    path = post(client, max_rate=20).headers["Location"]
    change(pool, "UPDATE campaigns SET template = 'changed, {name}'")  # as an API of 0.2.0
    assert body(client.get(path))["template"] == "changed, {name}"
    assert body(client.get(path))["max_rate"] == 20
    client.patch(path, json={"priority": 2})
    guarded = "SELECT template LIKE '{this campaign needs version 0.3.0}%%' FROM campaigns"
    assert value(pool, guarded) == 1
    assert body(client.get(path))["template"] == "changed, {name}"
