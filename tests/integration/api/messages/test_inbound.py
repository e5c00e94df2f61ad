"""GET /v1/inbound, and what becomes of inbound messages when a person is erased or time passes."""

import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api import sweep
from campaign_api.messages import erasing
from campaign_api.sweep import delete_outdated_inbound
from campaign_common.database import Database
from campaign_common.domain.content.campaign_content import Rendered
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.store.inbound.inbound_writer import InboundWriter
from campaign_common.store.messages.single_messages import (
    NO_CAMPAIGN,
    NewSingleMessage,
    SingleOutcome,
    end_single_message,
    insert_single_message,
)
from campaign_common.store.messages.trial_receipts import TrialReceipt, write_trial_receipts
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list, phone_of, record
from tests.integration.api.stored import rows
from tests.support.inbound import NOW, PERSON, inbound

OTHER = "4917612345679"

ANSWER = ReferencePurpose.ANSWER


def store(pool: Database, *messages: InboundMessage) -> None:
    InboundWriter(pool).write(messages)


def listed(client: FlaskClient, query: str = "") -> list[str]:
    answer = client.get(f"/v1/inbound{query}")
    assert answer.status_code == 200, answer.text
    return [each["text"] for each in answer.json["inbound"]]


def phones(pool: Database) -> list[str]:
    return [phone for (phone,) in rows(pool, "SELECT phone FROM inbound_messages ORDER BY phone")]


def test_a_message_is_shown_as_it_was_reported(client: FlaskClient, pool: Database) -> None:
    store(
        pool,
        inbound(
            "SM1",
            text="please STOP",
            keyword=KeywordKind.STOP,
            is_unsure=True,
            reported_at=NOW - timedelta(seconds=1),
        ),
    )
    answer = client.get("/v1/inbound").json
    assert answer["next_cursor"] is None
    (found,) = answer["inbound"]
    assert found.pop("id") > 0
    assert found == {
        "provider": "gateway",
        "provider_message_id": "SM1",
        "phone": PERSON,
        "recipient": "49800",
        "text": "please STOP",
        "keyword": "stop",
        "unsure": True,
        "reported_at": "2026-03-01T12:01:59.000Z",
        "received_at": "2026-03-01T12:02:00.000Z",
        "answer": None,
    }


def answer_help(pool: Database) -> int:
    """Store a HELP with its answer; return the id of the answer."""
    store(pool, inbound("1", text="help", keyword=KeywordKind.HELP), inbound("2", text="hi"))
    ((inbound_id,),) = rows(pool, "SELECT id FROM inbound_messages WHERE text = 'help'")
    answer = NewSingleMessage(
        NO_CAMPAIGN, "gateway", PERSON, Rendered("Shop"), None, "me", ANSWER, inbound_id
    )
    return pool.run(partial(insert_single_message, message=answer))


def test_an_answer_is_shown_with_its_receipt(client: FlaskClient, pool: Database) -> None:
    """Of the provider, campaign and purpose of the answer alone; the highest rank counts."""
    answer_id = answer_help(pool)

    def shown() -> Any:  # noqa: ANN401 - of JSON
        help_, other = (
            next(one for one in client.get("/v1/inbound").json["inbound"] if one["text"] == text)
            for text in ("help", "hi")
        )
        assert other["answer"] is None
        person = client.get(f"/v1/recipients/{PERSON}").json
        assert help_ in person["inbound"]
        return help_["answer"]

    before = shown()
    assert (before["status"], before["ended_at"], before["receipt"]) == (None, None, None)
    outcome = SingleOutcome(answer_id, Status.SENT, "SM9", None)
    pool.run(partial(end_single_message, outcome=outcome))
    assert (shown()["status"], shown()["provider_message_id"]) == ("sent", "SM9")
    own = TrialReceipt(
        answer_id, NO_CAMPAIGN, "gateway", ReceiptRank.DELIVERED, "0", NOW, purpose=ANSWER
    )
    reports = [
        own._replace(rank=ReceiptRank.UNDELIVERED, code="21"),
        own,
        own._replace(provider="other", rank=ReceiptRank.READ),
        own._replace(purpose=ReferencePurpose.TEST, rank=ReceiptRank.READ),
        own._replace(test_id=answer_id + 1),
    ]
    assert pool.run(partial(write_trial_receipts, receipts=reports)) == 2
    assert pool.run(partial(write_trial_receipts, receipts=reports)) == 0
    assert shown()["receipt"] == {
        "rank": "delivered",
        "code": "0",
        "at": "2026-03-01T12:02:00.000Z",
    }


def test_a_digest_is_no_id_of_the_provider(client: FlaskClient, pool: Database) -> None:
    store(pool, inbound(""))
    assert client.get("/v1/inbound").json["inbound"][0]["provider_message_id"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["c", "b", "a"]),
        ("?phone=%2B49%20176%2012345678", ["c", "a"]),
        ("?unsure=true", ["c"]),
        ("?unsure=false", ["b", "a"]),
        ("?keyword=stop", ["c", "a"]),
        ("?provider=other", ["b"]),
        ("?since=2026-03-01T13:02:01%2B01:00", ["c", "b"]),
        ("?since=0001-01-01T00:00:00Z&phone=4917612345679", ["b"]),
    ],
)
def test_filters(client: FlaskClient, pool: Database, query: str, expected: list[str]) -> None:
    stop, second = KeywordKind.STOP, timedelta(seconds=1)
    store(
        pool,
        inbound("1", text="a", keyword=stop),
        inbound("2", text="b", phone=OTHER, provider="other", received_at=NOW + second),
        inbound("3", text="c", keyword=stop, is_unsure=True, received_at=NOW + 2 * second),
    )
    assert listed(client, query) == expected


def test_pages_lead_to_each_message(client: FlaskClient, pool: Database) -> None:
    store(pool, *(inbound(str(n), text=str(n)) for n in range(5)))
    query, found = "?limit=2", list[str]()
    while query:
        answer = client.get(f"/v1/inbound{query}").json
        found += [each["text"] for each in answer["inbound"]]
        cursor = answer["next_cursor"]
        query = f"?limit=2&cursor={cursor}" if cursor else ""
    assert found == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?phone=nobody", "phone"),
        ("?unsure=1", "unsure"),
        ("?keyword=yes", "keyword"),
        ("?since=today", "since"),
        ("?provider=", "provider"),
        ("?provider=%C3%AAo", "provider"),
        ("?text=a", "text"),
    ],
)
def test_what_is_no_filter_is_refused(client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"/v1/inbound{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_an_erasure_takes_the_messages_of_the_person(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that a gateway reports with the number as it is dialled at home."""
    monkeypatch.setattr(erasing, "INBOUND_AT_ONCE", 2)
    national = "017612345678"
    store(
        pool,
        *(inbound(str(n)) for n in range(5)),
        inbound("local", phone=national),
        inbound("another", phone=OTHER),
        inbound("short", phone="12345678"),
    )
    assert client.delete(f"/v1/recipients/{PERSON}").status_code == 202
    assert phones(pool) == ["12345678", OTHER]
    assert listed(client, f"?phone={PERSON}") == []


def test_messages_go_after_their_time(pool: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "ROWS_AT_ONCE", 2)
    now = datetime.now(UTC).replace(tzinfo=None)
    hours: dict[str, Any] = {"1": 0, "2": 25, "3": 26, "4": 27, "5": 28, "6": 23}
    ages = (inbound(n, phone=n, received_at=now - timedelta(hours=age)) for n, age in hours.items())
    store(pool, *ages)
    assert delete_outdated_inbound(pool, threading.Event(), 86_400.0) == 4
    assert phones(pool) == ["1", "6"]


def test_the_history_of_a_person_has_all_that_is_stored(
    client: FlaskClient, pool: Database
) -> None:
    """Each list is a page; its cursor leads on in the list of its own."""
    add_list(pool, [1, 2])
    add_campaign(pool)
    phone = phone_of(1)
    record(pool, {1: Status.SENT})
    store(pool, *(inbound(str(n), phone=phone, text=str(n)) for n in range(3)), inbound("9"))
    added = client.post("/v1/suppressions", json={"phone": phone, "scope": "topic:offers"})
    assert added.status_code == 200
    person = client.get(f"/v1/recipients/{phone}?limit=2").json
    assert person["phone"] == phone
    assert [(one["campaign_id"], one["status"]) for one in person["messages"]] == [
        (CAMPAIGN, "sent")
    ]
    assert person["messages_cursor"] is None
    assert [one["text"] for one in person["inbound"]] == ["2", "1"]
    assert [one["scope"] for one in person["suppressions"]] == ["topic:offers"]
    assert [one["is_added"] for one in person["changes"]] == [True]
    assert listed(client, f"?phone={phone}&cursor={person['inbound_cursor']}") == ["0"]


def test_the_history_of_nobody_is_empty(client: FlaskClient) -> None:
    assert client.get("/v1/recipients/+49 176 12345678").json == {
        "phone": PERSON,
        "messages": [],
        "messages_cursor": None,
        "inbound": [],
        "inbound_cursor": None,
        "suppressions": [],
        "changes": [],
    }
    assert client.get("/v1/recipients/nobody").status_code == 422
