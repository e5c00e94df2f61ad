import csv
import io
import threading
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from campaign_api.lists import recipient_lists
from campaign_api.sweep import sweep_abandoned_lists
from campaign_common.database import Database
from campaign_common.store.recipients.recipient_lists import hold_list
from tests.integration.api.lists.uploads import CSV, URL, upload
from tests.integration.api.stored import change, create, rows, value


def test_lists_are_paged_newest_first(client: FlaskClient, pool: Database) -> None:
    ids = [upload(client, name=f"list {n}").get_json()["id"] for n in range(5)]
    found: list[int] = []
    url = f"{URL}?limit=2"
    while url:
        answer = client.get(url)
        found += [each["id"] for each in answer.get_json()["recipient_lists"]]
        url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert found == ids[::-1]


def test_people_are_paged_in_the_order_of_the_file(client: FlaskClient, pool: Database) -> None:
    text = "".join(f"user{n},{13961467500 + n}\n" for n in range(5))
    url: str = upload(client, text).headers["Location"] + "/recipients?limit=2"
    names = []
    while url:
        answer = client.get(url)
        names += [each["name"] for each in answer.get_json()["recipients"]]
        url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert names == [f"user{n}" for n in range(5)]


def test_person_is_found_by_number(client: FlaskClient, pool: Database) -> None:
    url = upload(client).headers["Location"] + "/recipients"
    found = client.get(url, query_string={"phone": "+1 (396) 146-7501"}).get_json()
    assert [each["name"] for each in found["recipients"]] == ["Bob"]
    nobody = client.get(url, query_string={"phone": "13961467599"}).get_json()
    assert nobody == {"recipients": [], "next_cursor": None}
    assert client.get(url, query_string={"phone": "none"}).status_code == 422


def test_erased_people_are_not_shown(client: FlaskClient, pool: Database) -> None:
    url = upload(client).headers["Location"] + "/recipients"
    change(pool, "UPDATE recipients SET phone = 'x1', erased_shard = 0 WHERE seq = 1")
    assert [each["seq"] for each in client.get(url).get_json()["recipients"]] == [2]


def test_rejects_are_exported_whole_and_safe_to_open(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipient_lists, "REJECTS_AT_ONCE", 2)
    bad = ['=cmd|"/C calc"!A0', "+1", "-1", "@SUM(A1)", "\tx", "fine, but no number", "ö\ufeff"]
    text = "name,phone,note\na,13961467500,\n" + "".join(f"{each}\n" for each in bad)
    url = upload(client, text).headers["Location"] + "/rejects.csv"
    answer = client.get(url)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=rejects-")
    header, *exported = csv.reader(io.StringIO(answer.text, newline=""))
    assert header == ["line", "reason", "text"]
    assert [int(line) for line, _, _ in exported] == list(range(3, 3 + len(bad)))
    safe = [each if n > 4 else f"'{each}" for n, each in enumerate(bad)]
    assert [raw for _, _, raw in exported] == safe


def test_rejects_are_paged_with_line_reason_and_text(client: FlaskClient, pool: Database) -> None:
    """Text is handed on as it stands, whatever a page or a spreadsheet would make of it."""
    bad = ["=1+1", "<script>alert(1)</script>", "{{7*7}} %s", "\u202e\u0007'\"", "'quoted'"]
    quoted = [each.replace('"', '""') for each in bad]
    text = "name,phone\na,13961467500\n" + "".join(f'"{each}",none\n' for each in quoted)
    url: str = upload(client, text).headers["Location"] + "/rejects?limit=2"
    found, pages = [], 0
    while url:
        answer = client.get(url)
        assert answer.content_type == "application/json"
        found += answer.get_json()["rejects"]
        url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        pages += 1
    assert pages == 3
    assert [each["line"] for each in found] == list(range(3, 3 + len(bad)))
    assert all(each["reason"].startswith("phone") for each in found)
    assert [each["text"] for each in found] == [f'"{each}",none' for each in quoted]


def test_unknown_list_is_not_found(client: FlaskClient, pool: Database) -> None:
    for path in ("/1", "/1/recipients", "/1/rejects", "/1/rejects.csv", f"/{2**70}"):
        assert client.get(URL + path).status_code == 404
    assert client.delete(URL + "/1").status_code == 404


def test_deleted_list_is_gone_and_the_sweep_takes_its_rows(
    client: FlaskClient, pool: Database
) -> None:
    url = upload(client).headers["Location"]
    kept = upload(client, name="kept").get_json()["id"]
    assert client.delete(url).status_code == 204
    for path in ("", "/recipients", "/rejects.csv"):
        assert client.get(url + path).status_code == 404
    assert client.delete(url).status_code == 404
    assert [each["id"] for each in client.get(URL).get_json()["recipient_lists"]] == [kept]
    for _ in range(2):
        sweep_abandoned_lists(pool, threading.Event())
    assert rows(pool, "SELECT id FROM recipient_lists") == [(kept,)]
    assert rows(pool, "SELECT DISTINCT list_id FROM recipients") == [(kept,)]
    assert rows(pool, "SELECT DISTINCT list_id FROM recipient_rejects") == [(kept,)]


@pytest.mark.parametrize("state", ["draft", "scheduled", "running", "paused"])
def test_list_in_use_cannot_be_deleted(
    client: FlaskClient, pool: Database, csv_root: Path, state: str
) -> None:
    (csv_root / "recipients.csv").write_text(CSV)
    create(client)
    change(pool, "UPDATE campaigns SET state = %s", state)
    list_id = value(pool, "SELECT list_id FROM campaigns")
    answer = client.delete(f"{URL}/{list_id}")
    assert answer.status_code == 409
    assert answer.get_json()["type"] == "urn:camp-mgr:problem:list-in-use"
    assert client.get(f"{URL}/{list_id}").status_code == 200


@pytest.mark.parametrize("state", ["finished", "cancelled", "failed"])
def test_a_campaign_that_is_over_needs_no_list_for_its_counts(
    client: FlaskClient, pool: Database, csv_root: Path, state: str
) -> None:
    """Campaign that is over keeps its account without its list."""
    (csv_root / "recipients.csv").write_text(CSV)
    create(client)
    change(pool, "UPDATE campaigns SET state = %s, total = 2", state)
    list_id = value(pool, "SELECT list_id FROM campaigns")
    before = client.get("/v1/campaigns/1000000000").get_json()
    assert client.delete(f"{URL}/{list_id}").status_code == 204
    for _ in range(3):
        sweep_abandoned_lists(pool, threading.Event())
    assert value(pool, "SELECT COUNT(*) FROM recipients") == 0
    assert client.get("/v1/campaigns/1000000000").get_json() == before
    assert value(pool, "SELECT state FROM recipient_lists") == "emptied"
    change(pool, "DELETE FROM campaigns")
    sweep_abandoned_lists(pool, threading.Event())
    assert value(pool, "SELECT COUNT(*) FROM recipient_lists") == 0


def test_deletion_waits_for_who_is_about_to_use_the_list(
    client: FlaskClient, pool: Database
) -> None:
    list_id = upload(client).get_json()["id"]
    answers = []
    deletion = threading.Thread(
        target=lambda: answers.append(client.delete(f"{URL}/{list_id}").status_code)
    )
    with pool.transaction() as cursor:
        assert hold_list(cursor, list_id) is not None
        deletion.start()
        cursor.execute(
            "INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state,"
            " created_at) VALUES (1, '', '', %s, 'at_least_once', 'simulated', 'draft', NOW(6))",
            (list_id,),
        )
        deletion.join(0.3)
        assert answers == []
    deletion.join()
    assert answers == [409]
    change(pool, "DELETE FROM campaigns")
    assert client.delete(f"{URL}/{list_id}").status_code == 204
    assert pool.run(lambda cursor: hold_list(cursor, list_id)) is None
