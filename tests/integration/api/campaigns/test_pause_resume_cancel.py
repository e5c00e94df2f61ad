"""POST /v1/campaigns/{id}/pause, resume and cancel."""

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from tests.integration.api.stored import change

CAMPAIGN = 5
COLUMNS = "epoch, lease_epoch, published_seq, published_count"


@pytest.fixture(autouse=True)
def campaign(pool: Database) -> None:
    change(
        pool,
        "INSERT INTO recipient_lists (id, name, state, accepted, last_seq, created_at,"
        " progressed_at) VALUES (1, '', 'ready', 9, 9, NOW(6), NOW(6))",
    )
    change(
        pool,
        "INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, total,"
        " epoch, lease_epoch, lease_until, published_seq, published_count, started_at, created_at)"
        " VALUES (%s, '', '', 1, '', '', 'running', 9, 1, 1, NOW(6) + INTERVAL 1 HOUR, 7, 7,"
        " NOW(6), NOW(6))",
        CAMPAIGN,
    )


def post(client: FlaskClient, verb: str, campaign_id: int = CAMPAIGN) -> tuple[int, str]:
    answer = client.post(f"/v1/campaigns/{campaign_id}/{verb}")
    assert answer.json is not None
    return answer.status_code, answer.json["state" if answer.status_code == 200 else "detail"]


def stored(pool: Database, columns: str = COLUMNS) -> tuple[object, ...]:
    with pool.reading() as cursor:
        cursor.execute(f"SELECT {columns} FROM campaigns WHERE id = %s", (CAMPAIGN,))
        row = cursor.fetchone()
    assert row is not None
    return row


def events(pool: Database) -> list[tuple[str, str, str]]:
    with pool.reading() as cursor:
        cursor.execute("SELECT from_state, to_state, actor FROM campaign_events ORDER BY id")
        return list(cursor.fetchall())


def test_pausing_voids_what_is_published_and_ends_the_lease(
    client: FlaskClient, pool: Database
) -> None:
    assert post(client, "pause") == (200, "paused")
    assert stored(pool) == (2, 2, 0, 0)
    assert stored(pool, "lease_until <= NOW(6)") == (1,)
    assert events(pool) == [("running", "paused", "api")]


def test_resuming_publishes_from_the_beginning_under_a_new_epoch(
    client: FlaskClient, pool: Database
) -> None:
    post(client, "pause")
    assert post(client, "resume") == (200, "running")
    assert stored(pool) == (3, 3, 0, 0)
    assert events(pool)[-1] == ("paused", "running", "api")


@pytest.mark.parametrize(
    ("first", "verb", "state"),
    [("pause", "pause", "paused"), ("cancel", "cancel", "cancelled"), (None, "resume", "running")],
)
def test_what_took_effect_already_changes_nothing(
    client: FlaskClient, pool: Database, first: str | None, verb: str, state: str
) -> None:
    if first:
        post(client, first)
    before = stored(pool), events(pool)
    assert post(client, verb) == (200, state)
    assert (stored(pool), events(pool)) == before


def test_cancelling_accounts_for_everybody(client: FlaskClient) -> None:
    answer = client.post(f"/v1/campaigns/{CAMPAIGN}/cancel").json
    assert answer is not None
    assert (answer["state"], answer["counts"]["cancelled"], answer["pending"]) == (
        "cancelled",
        9,
        0,
    )
    assert answer["finished_at"] is not None


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_cancelled_campaign_stays_cancelled(client: FlaskClient, verb: str) -> None:
    """A cancelled campaign stays so and the answer says what is allowed."""
    post(client, "cancel")
    assert post(client, verb) == (
        409,
        f"a cancelled campaign does not allow {verb}; it allows clone, preview, dry-run, test",
    )


def test_an_unknown_campaign_is_404(client: FlaskClient) -> None:
    assert post(client, "pause", 6) == (404, "there is no campaign 6")
