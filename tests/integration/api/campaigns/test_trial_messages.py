"""POST /v1/campaigns/{id}/test: rendered here, sent by a sender, waited for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_api.campaigns import trial_messages
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.settings import ApiSettings, Settings
from campaign_common.store.messages.single_messages import SingleOutcome as Outcome
from campaign_common.store.messages.single_messages import end_single_message, take_single_messages
from campaign_common.store.messages.trial_receipts import TrialReceipt, write_trial_receipts
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list
from tests.integration.api.stored import change, rows, value
from tests.support.keys import bearer, make_key

PATH = f"/v1/campaigns/{CAMPAIGN}/test"
PHONE = "+49 176 12345678"
REQUEST = {"phone": PHONE, "attributes": {"Name": "Ann", "city": "Ulm"}}


@pytest.fixture(autouse=True)
def campaign(pool: Database) -> None:
    add_list(pool, [1, 2])
    add_campaign(pool, state="draft", shards=None)


@contextmanager
def sender(pool: Database, status: Status) -> Iterator[None]:
    """Be a sender whose provider answers at once."""
    stop = threading.Event()

    def take(cursor: Any) -> None:  # noqa: ANN401 - a cursor
        for message in take_single_messages(cursor, ["simulated"], 10):
            end_single_message(cursor, Outcome(message.id, status, f"id-{message.id}", None))

    def work() -> None:
        while not stop.wait(0.05):
            pool.run(take)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("status", [Status.SENT, Status.FAILED, Status.UNKNOWN])
def test_the_answer_says_what_became_of_it(
    client: FlaskClient, pool: Database, status: Status
) -> None:
    with sender(pool, status):
        answer = client.post(PATH, json=REQUEST)
    assert answer.status_code == 200
    body: Any = answer.json
    assert body["requested_at"] <= body.pop("ended_at")
    assert body.pop("requested_at").endswith("Z")
    assert body == {
        "id": body["id"],
        "campaign_id": CAMPAIGN,
        "provider": "simulated",
        "phone": "4917612345678",
        "body": "hi Ann from Ulm",
        "parts": None,
        "from": None,
        "status": status.word,
        "provider_message_id": f"id-{body['id']}",
        "error_code": None,
        "receipt": None,
    }
    assert value(pool, "SELECT COUNT(*) FROM campaign_counters") == 0
    assert value(pool, "SELECT actor FROM trial_messages") == "api"


def test_without_an_outcome_in_time_the_answer_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_messages, "WAIT", 0.2)
    attributes = {"name": " Ann ", "city": " "}
    answer = client.post(PATH, json={"phone": PHONE, "attributes": attributes})
    assert answer.status_code == 202
    assert answer.json is not None
    assert (answer.json["status"], answer.json["ended_at"]) == (None, None)
    assert answer.json["body"] == "hi Ann from here"


def test_a_repeated_request_sends_nothing_again(client: FlaskClient, pool: Database) -> None:
    headers = {"Idempotency-Key": "once"}
    with sender(pool, Status.SENT):
        first = client.post(PATH, json=REQUEST, headers=headers)
        again = client.post(PATH, json=REQUEST, headers=headers)
        other = client.post(PATH, json={**REQUEST, "phone": "1234567"}, headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 422)
    assert again.json == first.json
    assert value(pool, "SELECT COUNT(*) FROM trial_messages") == 1


def test_nothing_of_a_person_is_kept_for_repeats(client: FlaskClient, pool: Database) -> None:
    headers = {"Idempotency-Key": "once"}
    with sender(pool, Status.SENT):
        first = client.post(PATH, json=REQUEST, headers=headers)
    again = client.post(PATH, json=REQUEST, headers=headers)
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    stored = str(rows(pool, "SELECT effect, headers, body FROM idempotency_keys"))
    assert "4917612345678" not in stored
    assert "Ann" not in stored
    assert client.delete("/v1/recipients/4917612345678").status_code == 202
    erased = client.post(PATH, json=REQUEST, headers=headers)
    assert erased.status_code == 404
    assert value(pool, "SELECT COUNT(*) FROM trial_messages") == 0


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"phone": PHONE}, "attributes.name"),
        ({"phone": PHONE, "attributes": {"city": "Ulm"}}, "attributes.name"),
        ({"phone": PHONE, "attributes": {"name": " \u200b"}}, "attributes.name"),
        ({"phone": "4917612345678.0", "attributes": {"name": "Ann"}}, "phone"),
        ({"phone": "2026-05-12", "attributes": {"name": "Ann"}}, "phone"),
        ({"phone": "12", "attributes": {"name": "Ann"}}, "phone"),
        ({"attributes": {"name": "Ann"}}, "phone"),
        ({"phone": PHONE, "attributes": {"name": 5}}, "attributes.name.value"),
        ({"phone": PHONE, "attributes": {"name": "x" * 1025}}, "attributes.name.value"),
        ({"phone": PHONE, "attributes": {f"a{n}": "" for n in range(65)}}, "attributes"),
        ({"phone": PHONE, "attributes": {"name": "Ann"}, "colour": 1}, "colour"),
    ],
)
def test_what_cannot_be_sent_is_refused(
    client: FlaskClient, pool: Database, request_: dict[str, Any], field: str
) -> None:
    answer = client.post(PATH, json=request_)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert rows(pool, "SELECT id FROM trial_messages") == []


def test_a_message_larger_than_any_record_is_refused(client: FlaskClient, pool: Database) -> None:
    change(pool, "UPDATE campaigns SET template = %s", "{name}" * 100)
    answer = client.post(PATH, json={"phone": PHONE, "attributes": {"name": "x" * 1000}})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("scope", "is_refused"),
    [("*", True), ("topic:offers", True), ("provider:simulated", True), ("topic:news", False)],
)
def test_a_suppressed_person_gets_no_test_message(
    client: FlaskClient, pool: Database, *, scope: str, is_refused: bool
) -> None:
    change(pool, "UPDATE campaigns SET topic = 'offers'")
    assert client.post("/v1/suppressions", json={"phone": PHONE, "scope": scope}).status_code == 200
    with sender(pool, Status.SENT):
        answer = client.post(PATH, json=REQUEST)
        assert answer.status_code == (422 if is_refused else 200)
        assert ("is suppressed" in answer.text) is is_refused
        writing, admin = (bearer(make_key(pool, one)) for one in (Scope.WRITE, Scope.ADMIN))
        forced = {**REQUEST, "suppressed": "send"}
        assert client.post(PATH, json=forced, headers=writing).status_code == 403
        assert client.post(PATH, json=forced, headers=admin).status_code == 200


def test_a_campaign_that_does_not_exist_is_not_found(client: FlaskClient) -> None:
    assert client.post("/v1/campaigns/99/test", json=REQUEST).status_code == 404


def test_a_key_sends_only_its_share_of_test_messages(
    settings: Settings, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go to any number; a repeated request sends nothing, and is no part of the share."""
    monkeypatch.setattr(trial_messages, "WAIT", 0.0)
    limited = replace(settings, api=ApiSettings(test_messages_per_minute=2))
    client = create_app(limited, Databases((pool,))).test_client()
    key, other = (bearer(make_key(pool, Scope.WRITE)) for _ in range(2))
    once = {**key, "Idempotency-Key": "once"}
    for headers in (once, key, once):
        assert client.post(PATH, json=REQUEST, headers=headers).status_code == 202
    refused = client.post(PATH, json=REQUEST, headers={**key, "Idempotency-Key": "more"})
    assert refused.status_code == 429
    assert refused.json is not None
    assert refused.json["type"].endswith(":too-many-requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert client.post(PATH, json=REQUEST, headers=other).status_code == 202
    assert client.get("/v1/stats", headers=key).status_code == 200
    assert value(pool, "SELECT COUNT(*) FROM trial_messages") == 3


def test_a_test_message_is_shown_with_its_receipt(client: FlaskClient, pool: Database) -> None:
    """The highest rank counts, of its own provider and campaign; nothing is counted."""
    with sender(pool, Status.SENT):
        sent: Any = client.post(PATH, json=REQUEST).json
    path = f"{PATH}/{sent['id']}"
    assert client.get(path).json == sent | {"receipt": None}
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    own = TrialReceipt(
        sent["id"], CampaignId(CAMPAIGN), "simulated", ReceiptRank.DELIVERED, "0", at
    )
    reports = [
        own._replace(rank=ReceiptRank.UNDELIVERED, code="21"),
        own,
        own._replace(provider="other", rank=ReceiptRank.READ),
        own._replace(campaign_id=CampaignId(CAMPAIGN + 1), rank=ReceiptRank.READ),
        own._replace(test_id=sent["id"] + 1),
    ]
    assert pool.run(lambda cursor: write_trial_receipts(cursor, reports)) == 2
    assert pool.run(lambda cursor: write_trial_receipts(cursor, reports)) == 0
    shown: Any = client.get(path).json
    assert shown["receipt"] == {"rank": "delivered", "code": "0", "at": "2026-05-01T12:00:00.000Z"}
    assert value(pool, "SELECT COUNT(*) FROM receipt_counters") == 0
    assert client.get(f"{PATH}/{sent['id'] + 1}").status_code == 404
    elsewhere = PATH.replace(str(CAMPAIGN), str(CAMPAIGN + 1))
    assert client.get(f"{elsewhere}/{sent['id']}").status_code == 404
