"""Messages of a campaign, and those of one person."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.messages import campaign_messages, message_pages
from campaign_common.database import Database
from campaign_common.domain.message import Status
from campaign_common.domain.recipient import tombstone
from campaign_common.errors import DatabaseUnavailable
from tests.integration.api.messages_seed import (
    CAMPAIGN,
    LIST,
    add_campaign,
    add_list,
    phone_of,
    record,
    seqs_of,
)
from tests.integration.api.stored import change

PATH = f"/v1/campaigns/{CAMPAIGN}/messages"
OUTCOMES = {
    2: Status.SENT,
    4: Status.FAILED,
    6: Status.WAITING,
    8: Status.SENT,
    10: Status.UNKNOWN,
}


@pytest.fixture
def campaign(pool: Database) -> None:
    """A list with gaps: every even number up to 40, of whom the first five have an outcome."""
    add_list(pool, range(2, 41, 2))
    add_campaign(pool)
    record(pool, OUTCOMES, error_code="http_503")


def get(client: FlaskClient, path: str, **parameters: object) -> Any:  # noqa: ANN401 - any JSON
    answer = client.get(path, query_string={k: str(v) for k, v in parameters.items()})
    assert answer.status_code == 200, answer.text
    return answer.json


def walk(client: FlaskClient, path: str, **parameters: object) -> Iterator[Any]:
    """Follow the pages to the end."""
    page = get(client, path, **parameters)
    yield page
    while page["next_cursor"]:
        page = get(client, path, **{**parameters, "cursor": page["next_cursor"]})
        yield page


@pytest.mark.usefixtures("campaign")
def test_there_is_one_item_for_each_recipient(client: FlaskClient) -> None:
    page = get(client, PATH)
    assert seqs_of(page) == list(range(2, 41, 2))
    assert page["next_cursor"] is None
    sent, *_, untouched = page["messages"]
    assert sent.pop("at").endswith("Z")
    assert sent == {
        "seq": 2,
        "phone": phone_of(2),
        "name": "user2",
        "status": "sent",
        "attempts": 1,
        "provider_message_id": "id-2",
        "error_code": "http_503",
        "provider": None,
        "receipt": None,
    }
    assert untouched["status"] == "not_started"
    assert (untouched["at"], untouched["attempts"], untouched["error_code"]) == (None, 0, None)


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("limit", [1, 3, 7, 20, 1000])
def test_pages_of_any_size_cover_everybody_once(client: FlaskClient, limit: int) -> None:
    pages = list(walk(client, PATH, limit=limit))
    assert [seq for page in pages for seq in seqs_of(page)] == list(range(2, 41, 2))
    assert all(len(page["messages"]) == limit for page in pages[:-1])


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize(
    ("status", "seqs"),
    [
        ("sent", [2, 8]),
        ("failed", [4]),
        ("waiting", [6]),
        ("unknown", [10]),
        ("cancelled", []),
        ("not_started", list(range(12, 41, 2))),
    ],
)
def test_a_status_finds_its_messages(
    client: FlaskClient, status: str, seqs: list[int], limit: int
) -> None:
    pages = walk(client, PATH, status=status, limit=limit)
    assert [seq for page in pages for seq in seqs_of(page)] == seqs


@pytest.mark.usefixtures("campaign")
def test_an_error_code_finds_its_messages(client: FlaskClient, pool: Database) -> None:
    record(pool, {12: Status.FAILED}, error_code="http_400")
    assert seqs_of(get(client, PATH, error_code="http_400")) == [12]
    assert seqs_of(get(client, PATH, error_code="http_503", status="failed")) == [4]
    assert seqs_of(get(client, PATH, error_code="nothing")) == []


@pytest.mark.usefixtures("campaign")
def test_a_person_is_found_by_the_number(client: FlaskClient) -> None:
    written = f"+{phone_of(4)[:3]} {phone_of(4)[3:]}"
    assert seqs_of(get(client, PATH, phone=written)) == [4]
    assert seqs_of(get(client, PATH, phone=phone_of(12))) == [12]
    assert seqs_of(get(client, PATH, phone=phone_of(3))) == []
    assert seqs_of(get(client, PATH, phone=phone_of(4), status="sent")) == []


@pytest.mark.usefixtures("campaign")
def test_what_a_cancelled_campaign_left_reads_as_cancelled(
    client: FlaskClient, pool: Database
) -> None:
    change(pool, "UPDATE campaigns SET state = 'cancelled'")
    assert seqs_of(get(client, PATH, status="cancelled")) == [6, *range(12, 41, 2)]
    assert seqs_of(get(client, PATH, status="waiting")) == []
    assert seqs_of(get(client, PATH, status="not_started")) == []
    statuses = {m["seq"]: m["status"] for m in get(client, PATH)["messages"]}
    assert (statuses[4], statuses[6], statuses[40]) == ("failed", "cancelled", "cancelled")


@pytest.mark.usefixtures("campaign")
def test_of_a_deleted_list_the_outcomes_remain(client: FlaskClient, pool: Database) -> None:
    change(pool, "UPDATE recipient_lists SET state = 'deleted'")
    page = get(client, PATH)
    assert seqs_of(page) == sorted(OUTCOMES)
    assert {(m["phone"], m["name"]) for m in page["messages"]} == {(None, None)}
    assert [seq for p in walk(client, PATH, limit=2) for seq in seqs_of(p)] == sorted(OUTCOMES)
    assert seqs_of(get(client, PATH, status="sent")) == [2, 8]
    assert seqs_of(get(client, PATH, status="not_started")) == []


@pytest.mark.usefixtures("campaign")
def test_an_erased_person_has_neither_name_nor_number(client: FlaskClient, pool: Database) -> None:
    change(pool, "UPDATE recipients SET phone = %s, name = '' WHERE seq = 4", tombstone(4))
    item = get(client, PATH)["messages"][1]
    assert (item["seq"], item["phone"], item["name"], item["status"]) == (4, None, None, "failed")


def test_a_campaign_that_has_not_started_shows_its_list(
    client: FlaskClient, pool: Database
) -> None:
    add_list(pool, range(1, 4))
    add_campaign(pool, state="draft", shards=None)
    page = get(client, PATH)
    assert [(m["seq"], m["status"]) for m in page["messages"]] == [
        (1, "not_started"),
        (2, "not_started"),
        (3, "not_started"),
    ]
    assert seqs_of(get(client, PATH, status="sent")) == []


def test_a_rare_status_is_looked_for_in_bounded_steps(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_pages, "MAX_RECIPIENTS_READ", 10)
    add_list(pool, range(1, 41))
    add_campaign(pool)
    record(pool, {35: Status.FAILED, 3: Status.SENT})
    pages = list(walk(client, PATH, status="failed"))
    assert [seqs_of(page) for page in pages] == [[], [], [], [35]]
    # Of a finished campaign the counters say that nothing is left.
    change(pool, "UPDATE campaigns SET state = 'finished'")
    assert [seqs_of(page) for page in walk(client, PATH, status="sent")] == [[3]]
    assert [seqs_of(page) for page in walk(client, PATH, status="failed", limit=1)] == [
        [],
        [],
        [],
        [35],
    ]
    # A retry has raised the epoch since: what was found says nothing about what is there now.
    first = get(client, PATH, status="sent", limit=1)
    assert first["next_cursor"] is None
    record(pool, {39: Status.SENT})
    before = get(client, PATH, status="sent", limit=1)["next_cursor"]
    change(pool, "UPDATE campaigns SET epoch = epoch + 1")
    change(pool, "DELETE FROM campaign_counters WHERE status = 1")
    change(pool, "INSERT INTO campaign_counters VALUES (%s, 0, 1, 1)", CAMPAIGN)
    rest = [*walk(client, PATH, status="sent", cursor=before, limit=1)]
    assert [seq for page in rest for seq in seqs_of(page)] == [39]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"status": "gone"}, "status"),
        ({"phone": "12"}, "phone"),
        ({"error_code": "x" * 33}, "error_code"),
        ({"cursor": "WzFd"}, "cursor"),
        ({"limit": "1001"}, "limit"),
        ({"colour": "red"}, "colour"),
    ],
)
@pytest.mark.usefixtures("campaign")
def test_wrong_parameters_are_named(
    client: FlaskClient, parameters: dict[str, str], field: str
) -> None:
    answer = client.get(PATH, query_string=parameters)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("path", ["/messages", "/messages.csv"])
def test_messages_of_no_campaign_are_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(f"/v1/campaigns/99{path}").status_code == 404


def exported(client: FlaskClient, **parameters: object) -> list[dict[str, str]]:
    answer = client.get(f"{PATH}.csv", query_string={k: str(v) for k, v in parameters.items()})
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.mark.usefixtures("campaign")
def test_the_csv_says_what_the_pages_say(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_messages, "EXPORT_ROWS", 3)
    rows = exported(client)
    items = get(client, PATH)["messages"]
    no_receipt = dict.fromkeys(("receipt", "receipt_code", "receipt_at"))
    assert rows == [
        {name: "" if value is None else str(value) for name, value in (item | no_receipt).items()}
        for item in items
    ]
    assert [row["seq"] for row in exported(client, status="sent")] == ["2", "8"]


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_the_csv_runs_no_formula(client: FlaskClient, pool: Database, name: str) -> None:
    change(pool, "UPDATE recipients SET name = %s WHERE seq = 2", name)
    change(pool, "UPDATE recipients SET name = %s WHERE seq = 4", f'a,"{name}"\n\'')
    first, second, *_ = exported(client)
    assert first["name"] == f"'{name}"
    assert second["name"] == f'a,"{name}"\n\''


@pytest.mark.usefixtures("campaign")
def test_a_csv_that_cannot_be_finished_breaks_off(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_messages, "EXPORT_ROWS", 3)
    answer = client.get(f"{PATH}.csv", buffered=False)
    pieces = iter(answer.response)
    next(pieces)

    def away(**_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(pool, "reading", away)
    with pytest.raises(DatabaseUnavailable):
        list(pieces)


def test_a_person_is_followed_over_all_campaigns(client: FlaskClient, pool: Database) -> None:
    add_list(pool, range(1, 6))
    add_list(pool, [9, 3], list_id=LIST + 1)
    for campaign_id, list_id, ago in ((1, LIST, 30), (2, LIST + 1, 20), (3, LIST, 10)):
        add_campaign(pool, campaign_id, list_id=list_id, started_ago=ago)
    add_campaign(pool, 4, state="draft", shards=None)
    record(pool, {3: Status.SENT, 4: Status.SENT}, 1)
    record(pool, {3: Status.FAILED}, 2, error_code="http_400")
    path = "/v1/messages"
    found = get(client, path, phone=f"+{phone_of(3)}")
    assert found["next_cursor"] is None
    assert [(m["campaign_id"], m["seq"], m["status"]) for m in found["messages"]] == [
        (3, 3, "not_started"),
        (2, 3, "failed"),
        (1, 3, "sent"),
    ]
    assert found["messages"][1]["error_code"] == "http_400"
    assert found["messages"][1]["campaign_name"] == "game2"
    assert found["messages"][0]["started_at"] > found["messages"][1]["started_at"]
    pages = walk(client, path, phone=phone_of(3), limit=1)
    assert [m["campaign_id"] for page in pages for m in page["messages"]] == [3, 2, 1]
    assert get(client, path, phone=phone_of(77))["messages"] == []
    change(pool, "UPDATE campaigns SET state = 'cancelled' WHERE id = 3")
    assert get(client, path, phone=phone_of(3), limit=1)["messages"][0]["status"] == "cancelled"


def test_each_campaign_is_looked_up_by_its_own_shard_count(
    client: FlaskClient, pool: Database
) -> None:
    """Campaigns with other shard counts are looked up in their own shard."""
    add_list(pool, range(1, 6))
    add_campaign(pool, 1, shards=1)
    add_campaign(pool, 2, shards=2)
    for campaign_id in (1, 2):
        record(pool, dict.fromkeys(range(1, 6), Status.SENT), campaign_id, shards=campaign_id)
    for seq in range(1, 6):
        found = get(client, "/v1/messages", phone=phone_of(seq))["messages"]
        assert [m["status"] for m in found] == ["sent", "sent"]
        for campaign_id in (1, 2):
            page = get(client, f"/v1/campaigns/{campaign_id}/messages", phone=phone_of(seq))
            assert [m["status"] for m in page["messages"]] == ["sent"]


@pytest.mark.parametrize("cursor", ["WzFd", "WzFlOTksMV0", "x", "W251bGwsbnVsbF0"])
def test_a_cursor_from_elsewhere_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get("/v1/messages", query_string={"phone": phone_of(1), "cursor": cursor})
    assert answer.status_code == 422


def test_the_number_is_needed(client: FlaskClient) -> None:
    assert client.get("/v1/messages").status_code == 422
