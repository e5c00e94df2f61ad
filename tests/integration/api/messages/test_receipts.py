"""Receipts in responses: of a campaign, of a message, in the export; and retries by receipt."""

import csv
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import Shard, shard_of
from campaign_common.store.receipts.late_receipts import note_late
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from tests.integration.api.conftest import SHARDS
from tests.integration.api.messages_seed import (
    CAMPAIGN,
    add_campaign,
    add_list,
    phone_of,
    record,
    seqs_of,
)
from tests.integration.api.stored import rows

DELIVERED, UNDELIVERED = ReceiptRank.DELIVERED, ReceiptRank.UNDELIVERED
PATH = f"/v1/campaigns/{CAMPAIGN}"
SENT, FAILED = Status.SENT, Status.FAILED


@pytest.fixture
def reported(pool: Database) -> Database:
    """Messages 1 to 4 are sent, 5 has failed, and of 6 nothing is recorded yet."""
    add_list(pool, range(1, 8))
    add_campaign(pool, state="finished")
    record(pool, {1: SENT, 2: SENT, 3: SENT, 4: SENT, 5: FAILED})
    report(pool, {1: DELIVERED, 2: UNDELIVERED, 3: UNDELIVERED, 6: DELIVERED}, "21")
    return pool


def report(pool: Database, ranks: dict[int, ReceiptRank], code: str) -> None:
    writer = ReceiptWriter(Databases((pool,)))
    for seq, rank in ranks.items():
        shard = Shard(shard_of(phone_of(seq), SHARDS))
        campaign = CampaignId(CAMPAIGN)
        receipt = MessageReceipt(campaign, seq, 0, shard, "simulated", rank, f"{code}{seq}")
        assert writer.write([receipt]).stored == 1


def get(client: FlaskClient, path: str = "") -> Any:  # noqa: ANN401 - any JSON
    response = client.get(PATH + path)
    assert response.status_code == 200, response.text
    return response.get_json()


def test_none_and_the_ranks_add_up_to_the_sent(client: FlaskClient, reported: Database) -> None:
    assert reported
    expected = {
        "none": 1,
        "no_receipt": 0,
        "accepted": 0,
        "sent": 0,
        "undelivered": 2,
        "delivered": 1,
        "read": 0,
        "open": 1,
        "otherwise": 0,
    }
    for answer in (get(client), get(client, "/progress")):
        assert answer["receipts"] == expected
        assert answer["counts"]["sent"] == 4


def test_a_message_has_its_receipt(client: FlaskClient, reported: Database) -> None:
    assert reported
    messages = {message["seq"]: message for message in get(client, "/messages")["messages"]}
    assert messages[1]["receipt"] == {"rank": "delivered", "code": "211", "at": None}
    assert messages[4]["receipt"] is None
    (of_person,) = client.get(f"/v1/messages?phone={phone_of(2)}").get_json()["messages"]
    assert of_person["receipt"] == {"rank": "undelivered", "code": "212", "at": None}


def test_messages_are_found_by_their_receipt(client: FlaskClient, reported: Database) -> None:
    assert reported
    assert seqs_of(get(client, "/messages?receipt=undelivered")) == [2, 3]
    assert seqs_of(get(client, "/messages?receipt=undelivered&status=failed")) == []
    assert seqs_of(get(client, f"/messages?receipt=undelivered&phone={phone_of(1)}")) == []
    assert client.get(f"{PATH}/messages?receipt=lost").status_code == 422


def test_the_export_has_receipts(client: FlaskClient, reported: Database) -> None:
    assert reported
    text = client.get(f"{PATH}/messages.csv?receipt=undelivered").text
    found = [
        (row["seq"], row["receipt"], row["receipt_code"])
        for row in csv.DictReader(text.splitlines())
    ]
    assert found == [("2", "undelivered", "212"), ("3", "undelivered", "213")]


def test_a_receipt_that_did_not_come_is_shown_everywhere(
    client: FlaskClient, reported: Database
) -> None:
    """Of a message that was accepted, and of one of which nothing was reported."""
    record(reported, {7: SENT})
    report(reported, {7: ReceiptRank.SENT}, "10")
    for seq in (1, 4, 7):
        shard = shard_of(phone_of(seq), SHARDS)
        with reported.transaction() as cursor:
            note_late(cursor, shard, CampaignId(CAMPAIGN), [seq], "simulated")
    receipts = get(client, "/progress")["receipts"]
    assert (receipts["none"], receipts["no_receipt"], receipts["sent"]) == (0, 2, 0)
    messages = {one["seq"]: one["receipt"] for one in get(client, "/messages")["messages"]}
    assert messages[1]["rank"] == "delivered"
    assert messages[4] == {"rank": "no_receipt", "code": None, "at": None}
    assert messages[7] == {"rank": "no_receipt", "code": "107", "at": None}
    (of_person,) = client.get(f"/v1/messages?phone={phone_of(7)}").get_json()["messages"]
    assert of_person["receipt"] == messages[7]
    assert seqs_of(get(client, "/messages?receipt=no_receipt")) == [4, 7]
    assert seqs_of(get(client, "/messages?receipt=sent")) == []
    text = client.get(f"{PATH}/messages.csv?receipt=no_receipt").text
    found = [(row["seq"], row["receipt"]) for row in csv.DictReader(text.splitlines())]
    assert found == [("4", "no_receipt"), ("7", "no_receipt")]


def test_undelivered_messages_are_retried_by_hand(client: FlaskClient, reported: Database) -> None:
    """The owners of the shards get the order, with the code; the campaign runs again."""
    response = client.post(f"{PATH}/retry", json={"receipt": "undelivered", "code": "213"})
    assert response.status_code == 200, response.text
    answer = response.get_json()
    assert (answer["matched"], answer["state"]) == (2, "running")
    commands = rows(
        reported,
        "SELECT shard, kind, JSON_EXTRACT(arguments, '$.code') c"
        " FROM shard_commands ORDER BY shard",
    )
    assert [(shard, kind, code) for shard, kind, code in commands] == [
        (shard, "retry_receipts", '"213"') for shard in range(SHARDS)
    ]
    (event,) = [event for event in get(client, "/events")["events"] if event["type"] == "retried"]
    assert event["reason"] == "retry of undelivered with code 213"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "failed", "receipt": "undelivered"},
        {"receipt": "delivered"},
        {"receipt": "undelivered", "error_code": "x"},
        {"status": "failed", "code": "x"},
    ],
    ids=["neither", "both", "delivered", "error code of a receipt", "code of a status"],
)
def test_an_order_is_by_status_or_by_receipt(
    client: FlaskClient, reported: Database, body: dict[str, str]
) -> None:
    assert client.post(f"{PATH}/retry", json=body).status_code == 422
    assert rows(reported, "SELECT id FROM shard_commands") == []
