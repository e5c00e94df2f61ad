"""GET /v1/stats."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.messages import statistics
from campaign_common.database import Database
from campaign_common.domain.message import Status
from campaign_common.store.maintenance.statistics import forget_sender, note_sender
from tests.integration.api.messages_seed import add_campaign, add_list, record
from tests.integration.api.stored import change


def stats(client: FlaskClient) -> Any:  # noqa: ANN401 - any JSON
    answer = client.get("/v1/stats")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_without_campaigns_everything_is_nought(client: FlaskClient) -> None:
    answer = stats(client)
    assert (answer["active"], answer["senders"], answer["lag"]) == ([], [], 0)
    assert set(answer["campaigns"].values()) == set(answer["messages"].values()) == {0}


def test_totals_add_up_over_all_campaigns(client: FlaskClient, pool: Database) -> None:
    add_list(pool, range(1, 11))
    for campaign_id, state in ((1, "running"), (2, "cancelled"), (3, "finished")):
        add_campaign(pool, campaign_id, state=state)
    add_campaign(pool, 4, state="draft", shards=None)
    record(pool, {1: Status.SENT, 2: Status.FAILED, 3: Status.WAITING}, 1)
    record(pool, {1: Status.SENT, 2: Status.WAITING, 3: Status.CANCELLED}, 2)
    record(pool, dict.fromkeys(range(1, 11), Status.SENT), 3)
    answer = stats(client)
    messages = answer["messages"]
    assert messages == {
        "total": 30,
        "sent": 12,
        "failed": 1,
        "waiting": 1,
        "suppressed": 0,
        "expired": 0,
        "unknown": 0,
        "cancelled": 9,
        "pending": 8,
    }
    counted = {state: n for state, n in answer["campaigns"].items() if n}
    assert counted == {"running": 1, "cancelled": 1, "finished": 1, "draft": 1}


def test_active_campaigns_show_their_rate_and_lag(client: FlaskClient, pool: Database) -> None:
    add_list(pool, range(1, 11))
    add_campaign(pool, 1)
    add_campaign(pool, 2, state="paused", started_ago=5)
    add_campaign(pool, 3, state="finished")
    record(pool, dict.fromkeys(range(1, 7), Status.SENT), 1)
    change(
        pool,
        "INSERT INTO campaign_samples (campaign_id, sampled_at, ended) VALUES"
        " (1, NOW(6) - INTERVAL 10 SECOND, 1), (1, NOW(6) - INTERVAL 2 SECOND, 5),"
        " (1, NOW(6) - INTERVAL 90 SECOND, 0)",
    )
    answer = stats(client)
    paused, running = answer["active"]
    assert (paused["id"], paused["state"], paused["rate"], paused["lag"]) == (2, "paused", 0.0, 0)
    assert (running["id"], running["total"], running["pending"], running["lag"]) == (1, 10, 4, 4)
    assert 0.2 <= running["rate"] <= 0.5
    assert answer["lag"] == 4


def test_senders_are_alive_while_they_say_so(client: FlaskClient, pool: Database) -> None:
    pool.run(lambda cursor: note_sender(cursor, "sender-a"))
    pool.run(lambda cursor: note_sender(cursor, "sender-b"))
    change(
        pool,
        "UPDATE shard_claims SET owner_name = 'sender-a', partition_number = shard, claimed = ''",
    )
    alive = {sender["name"]: sender for sender in stats(client)["senders"]}
    assert (alive["sender-a"]["partitions"], alive["sender-a"]["shards"]) == ([0, 1], [0, 1])
    assert (alive["sender-b"]["partitions"], alive["sender-b"]["shards"]) == ([], [])
    change(
        pool,
        "UPDATE sender_heartbeats SET seen_at = NOW(6) - INTERVAL 20 SECOND"
        " WHERE name = 'sender-a'",
    )
    assert [sender["name"] for sender in stats(client)["senders"]] == ["sender-b"]
    pool.run(lambda cursor: forget_sender(cursor, "sender-b"))
    assert stats(client)["senders"] == []


def test_sums_over_everything_are_kept_for_a_moment(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_list(pool, range(1, 11))
    assert stats(client)["campaigns"]["running"] == 0
    add_campaign(pool, 1)
    later = stats(client)
    assert later["campaigns"]["running"] == 0
    assert [campaign["id"] for campaign in later["active"]] == [1]
    monkeypatch.setattr(statistics, "TOTALS_KEPT", 0.0)
    assert stats(client)["campaigns"]["running"] == 1
