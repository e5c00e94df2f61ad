"""Views of one campaign: preview, events and progress."""

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from tests.integration.api.drafted import PATH, body
from tests.integration.api.one_campaign import NEW, do, done, make_one, run_it
from tests.integration.api.stored import add_list, change


@pytest.fixture
def campaign_id(client: FlaskClient, pool: Database) -> int:
    return make_one(client, pool)


def test_a_preview_shows_the_messages_as_they_would_be_sent(
    client: FlaskClient, campaign_id: int
) -> None:
    messages = done(client, campaign_id, "preview", limit=3)["messages"]
    assert messages[0] == {
        "seq": 1,
        "phone": "13961467500",
        "body": "hi Ann in Oslo",
        "parts": None,
        "characters": 14,
        "encoding": "gsm7",
        "segments": 1,
    }
    assert [(m["body"], m["encoding"]) for m in messages[1:]] == [
        ("hi 小红 in your town", "ucs2"),
        ("hi  in Rom😀", "ucs2"),
    ]
    answer = client.post(f"{PATH}/{campaign_id}/preview")
    assert len(body(answer)["messages"]) == 3
    assert len(done(client, campaign_id, "preview", limit=1)["messages"]) == 1
    for limit in (0, 101, "3", None):
        assert do(client, campaign_id, "preview", limit=limit).status_code == 422


def test_a_preview_of_endless_messages_stays_small(client: FlaskClient, pool: Database) -> None:
    people = [(str(13961467500 + n), "Ann", {"city": "x" * 1_024}) for n in range(100)]
    add_list(pool, people, list_id=2)
    endless = {**NEW, "template": "{city}" * 100, "recipient_list_id": 2}
    campaign_id = body(client.post(PATH, json=endless))["id"]
    messages = done(client, campaign_id, "preview", limit=100)["messages"]
    assert [message["seq"] for message in messages] == list(range(1, 10))
    assert {message["characters"] for message in messages} == {102_400}


def test_events_come_in_pages(client: FlaskClient, campaign_id: int) -> None:
    for n in range(1, 5):
        done(client, campaign_id, "schedule", scheduled_at=f"203{n}-01-01T00:00:00Z")
    path = f"{PATH}/{campaign_id}/events"
    first = client.get(path, query_string={"limit": 3})
    assert [event["type"] for event in body(first)["events"]] == ["created", "scheduled", "changed"]
    done(client, campaign_id, "cancel")
    link = first.headers["Link"]
    rest = client.get(link[1 : link.index(">")])
    assert [event["type"] for event in body(rest)["events"]] == ["changed", "changed", "cancelled"]
    last = client.get(path, query_string={"cursor": body(rest)["next_cursor"]})
    assert body(last) == {"events": [], "next_cursor": None}
    assert client.get(path, query_string={"cursor": "x"}).status_code == 422
    assert client.get(f"{PATH}/5/events").status_code == 404


def test_progress_tells_rate_lag_and_balance(
    client: FlaskClient, campaign_id: int, pool: Database
) -> None:
    path = f"{PATH}/{campaign_id}/progress"
    draft = body(client.get(path))
    assert (draft["rate"], draft["lag"], draft["balance"]["pending"]) == (None, 0, 3)
    run_it(pool)
    change(pool, "INSERT INTO campaign_counters VALUES (%s, 0, 1, 2)", campaign_id)
    for age, ended in ((90, 0), (40, 1), (20, 2)):
        change(
            pool,
            "INSERT INTO campaign_samples VALUES (%s, NOW(6) - INTERVAL %s SECOND, %s)",
            campaign_id,
            age,
            ended,
        )
    running = body(client.get(path))
    assert running["balance"] == {"recipients": 3, "final": 2, "pending": 1, "consistent": True}
    assert (running["rate"], running["lag"]) == (0.0, 1)
    change(pool, "UPDATE campaign_counters SET n = 41")
    assert 0.7 <= body(client.get(path))["rate"] <= 1.0
    assert client.get(f"{PATH}/5/progress").status_code == 404
