"""Counts of a campaign's messages by status and error code."""

from collections import Counter
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.messages import error_counts
from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import Shard, shard_of
from campaign_common.store.maintenance import error_counts as store
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from tests.integration.api.conftest import SHARDS
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list, phone_of, record

PATH = f"/v1/campaigns/{CAMPAIGN}/errors"
FAILED, UNKNOWN, WAITING = Status.FAILED, Status.UNKNOWN, Status.WAITING


@pytest.fixture
def people(pool: Database) -> Database:
    """A campaign to 40 people in two shards; nothing has an outcome yet."""
    add_list(pool, range(1, 41))
    add_campaign(pool)
    return pool


def get(client: FlaskClient, path: str = PATH) -> Any:  # noqa: ANN401 - any JSON
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def fail(pool: Database, seqs: range, code: str | None, status: Status = FAILED) -> None:
    record(pool, dict.fromkeys(seqs, status), error_code=code)


def report_undelivered(pool: Database, codes: dict[int, str]) -> None:
    for seq, code in codes.items():
        shard = Shard(shard_of(phone_of(seq), SHARDS))
        undelivered = ReceiptRank.UNDELIVERED
        receipt = MessageReceipt(
            CampaignId(CAMPAIGN), seq, 0, shard, "simulated", undelivered, code
        )
        assert ReceiptWriter(Databases((pool,))).write([receipt]).stored == 1


def by_code(page: Any) -> dict[tuple[str, str | None], int]:  # noqa: ANN401 - any JSON
    return {(one["status"], one["error_code"]): one["messages"] for one in page["errors"]}


def test_messages_are_counted_by_status_and_code(client: FlaskClient, people: Database) -> None:
    """Over all shards, the most frequent first, with the request that sends them again."""
    record(people, dict.fromkeys(range(1, 11), Status.SENT))
    fail(people, range(11, 16), "http_400")
    fail(people, range(16, 18), None)
    fail(people, range(18, 19), "<b>&'\"%s", UNKNOWN)
    fail(people, range(19, 22), "http_503", WAITING)
    page = get(client)
    assert [one.pop("last_at")[-1] for one in page["errors"]] == ["Z"] * 4
    assert page == {
        "errors": [
            {
                "status": "failed",
                "error_code": "http_400",
                "messages": 5,
                "retry": {"status": "failed", "error_code": "http_400"},
            },
            {"status": "waiting", "error_code": "http_503", "messages": 3, "retry": None},
            {"status": "failed", "error_code": None, "messages": 2, "retry": None},
            {
                "status": "unknown",
                "error_code": "<b>&'\"%s",
                "messages": 1,
                "retry": {"status": "unknown", "error_code": "<b>&'\"%s"},
            },
        ],
        "errors_omitted": 0,
        "undelivered": [],
        "undelivered_omitted": 0,
        "totals": {
            "failed": 7,
            "waiting": 3,
            "suppressed": 0,
            "expired": 0,
            "unknown": 1,
            "cancelled": 0,
            "undelivered": 0,
        },
        "complete": True,
        "share": 1.0,
        "next_cursor": None,
    }


def test_a_retry_is_taken_as_it_is_given(client: FlaskClient, people: Database) -> None:
    fail(people, range(1, 4), "http_400")
    record(people, dict.fromkeys(range(4, 7), Status.SENT))
    report_undelivered(people, {4: "21", 5: "21", 6: "30"})
    page = get(client)
    assert page["totals"]["undelivered"] == 3
    assert [(one["code"], one["messages"]) for one in page["undelivered"]] == [("21", 2), ("30", 1)]
    for one in (*page["errors"], *page["undelivered"]):
        answer = client.post(f"/v1/campaigns/{CAMPAIGN}/retry", json=one["retry"])
        assert answer.status_code == 200, answer.text


def test_what_waited_at_the_cancellation_is_cancelled(client: FlaskClient, pool: Database) -> None:
    add_list(pool, range(1, 11))
    add_campaign(pool, state="cancelled")
    fail(pool, range(1, 3), "http_503", WAITING)
    fail(pool, range(3, 4), "http_503", Status.CANCELLED)
    page = get(client)
    assert by_code(page) == {("cancelled", "http_503"): 3}
    # The other seven have no outcome, and so no code.
    assert (page["totals"]["waiting"], page["totals"]["cancelled"]) == (0, 10)


def test_pages_of_a_large_campaign_add_up(
    client: FlaskClient, people: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each says which part of the recipients it has counted, and that it is not all."""
    monkeypatch.setattr(error_counts, "BLOCK", 2)
    monkeypatch.setattr(error_counts, "BLOCKS", 5)
    fail(people, range(1, 25), "a")
    fail(people, range(25, 41), "b")
    summed: Counter[tuple[str, str | None]] = Counter()
    cursor, pages = "", 0
    while cursor is not None:
        page = get(client, f"{PATH}?cursor={cursor}" if cursor else PATH)
        assert (page["complete"], page["share"]) == (False, 0.25)
        assert page["totals"]["failed"] == 40
        assert set(by_code(page)) == {("failed", "a"), ("failed", "b")}, "no sample of the list"
        summed.update(by_code(page))
        cursor, pages = page["next_cursor"], pages + 1
    assert (pages, summed) == (4, {("failed", "a"): 24, ("failed", "b"): 16})


def test_one_code_for_each_message_stays_bounded(
    client: FlaskClient, people: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of further codes, also those that were not even read, the messages are counted."""
    monkeypatch.setattr(error_counts, "MOST_SHOWN", 2)
    monkeypatch.setattr(store, "MOST_CODES", 5)
    for seq in range(1, 31):
        fail(people, range(seq, seq + 1), f"made-up-{seq}")
    fail(people, range(31, 34), "often")
    page = get(client)
    assert [one["messages"] for one in page["errors"]] == [3, 1]
    assert page["errors_omitted"] == 29


@pytest.mark.parametrize("shards", [None, SHARDS])
def test_without_errors_nothing_is_read(
    client: FlaskClient,
    pool: Database,
    monkeypatch: pytest.MonkeyPatch,
    shards: int | None,
) -> None:
    """Of a draft, and of a campaign whose counters have sent messages alone."""
    monkeypatch.setattr(error_counts, "BLOCK", 1)
    monkeypatch.setattr(error_counts, "BLOCKS", 1)
    monkeypatch.setattr(store, "SELECT_CODES", "no statement")
    add_list(pool, range(1, 11))
    add_campaign(pool, shards=shards, state="running" if shards else "draft")
    if shards:
        record(pool, dict.fromkeys(range(1, 11), Status.SENT))
    page = get(client)
    assert (page["errors"], page["complete"], page["next_cursor"]) == ([], True, None)


def test_an_unknown_campaign_has_no_errors(client: FlaskClient, pool: Database) -> None:
    assert client.get(PATH).status_code == 404
