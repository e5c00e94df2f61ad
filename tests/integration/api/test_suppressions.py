"""/v1/suppressions: adding, reading, removing, importing and exporting."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_api.suppressions import suppression_import
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.domain.suppressions.suppression_scope import scope_of_answer
from campaign_common.settings import Settings
from campaign_common.store.suppressions import listing
from campaign_common.store.suppressions.imports import (
    ImportProgress,
    Wish,
    begin_import,
    end_abandoned_imports,
    end_import,
    import_suppressions,
)
from campaign_common.store.suppressions.lookup import is_anybody_suppressed
from tests.integration.api.stored import change, rows, value
from tests.support.keys import bearer, make_key

PHONE = "4917612345678"
OTHER = "4917612345679"


def add(client: FlaskClient, **body: object) -> Any:  # noqa: ANN401 - any JSON
    answer = client.post("/v1/suppressions", json={"phone": PHONE, **body})
    assert answer.status_code == 200, answer.text
    return answer.json


def upload(client: FlaskClient, text: str, query: str = "") -> Any:  # noqa: ANN401 - any JSON
    answer = client.post(f"/v1/suppressions.csv{query}", data=text, content_type="text/csv")
    assert answer.status_code == 200, answer.text
    return answer.json


def all_scopes(client: FlaskClient, query: str = "") -> list[tuple[str, str]]:
    found = client.get(f"/v1/suppressions{query}").json["suppressions"]
    return [(row["phone"], row["scope"]) for row in found]


def test_what_is_added_is_read_again(client: FlaskClient) -> None:
    described = add(
        client,
        phone="+49 176 12345678",
        scope="topic:offers",
        reason="stop",
        source="shop",
        since="2026-01-31T10:30:00+01:00",
        until="2036-01-31T09:30:00Z",
        note="by letter",
    )
    assert described == {
        "phone": PHONE,
        "scope": "topic:offers",
        "reason": "stop",
        "source": "shop",
        "since": "2026-01-31T09:30:00.000Z",
        "until": "2036-01-31T09:30:00.000Z",
        "note": "by letter",
    }
    assert client.get("/v1/suppressions").json["suppressions"] == [described]
    person = client.get(f"/v1/suppressions/{PHONE}").json
    assert person["suppressions"] == [described]
    assert [(c["scope"], c["is_added"], c["until"], c["actor"]) for c in person["changes"]] == [
        ("topic:offers", True, "2036-01-31T09:30:00.000Z", "api")
    ]


def test_adding_again_replaces_and_keeps_the_earliest_wish(client: FlaskClient) -> None:
    add(client, since="2026-01-01T00:00:00Z", until="2036-01-01T00:00:00Z", note="old")
    again = add(client, since="2026-02-01T00:00:00Z", reason="letter")
    assert (again["since"], again["until"]) == ("2026-01-01T00:00:00.000Z", None)
    assert (again["reason"], again["note"]) == ("letter", None)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        pytest.param(None, "2035-01-01T00:00:00Z", 403, id="one without end"),
        pytest.param("2036-01-01T00:00:00Z", "2035-01-01T00:00:00Z", 403, id="earlier"),
        pytest.param("2036-01-01T00:00:00Z", "2036-01-01T00:00:00Z", 200, id="the same"),
        pytest.param("2036-01-01T00:00:00Z", "2037-01-01T00:00:00Z", 200, id="later"),
        pytest.param("2036-01-01T00:00:00Z", None, 200, id="without end"),
    ],
)
def test_only_an_admin_key_shortens_a_suppression(
    client: FlaskClient, pool: Database, before: str | None, after: str | None, status: int
) -> None:
    """A suppression that ends earlier is removed in part, and removing one needs admin."""
    add(client, until=before)
    body = {"phone": PHONE, "until": after}
    writing, admin = (bearer(make_key(pool, scope)) for scope in (Scope.WRITE, Scope.ADMIN))
    assert client.post("/v1/suppressions", json=body, headers=writing).status_code == status
    changes = value(pool, "SELECT COUNT(*) FROM suppression_changes")
    assert changes == (1 if status == 403 else 2)
    assert client.post("/v1/suppressions", json=body, headers=admin).status_code == 200


def test_a_national_number_is_read_with_its_region(client: FlaskClient) -> None:
    """Lists that are imported with a region have the same digits."""
    national, query = "0176 12345678", "?default_region=DE"
    assert add(client, phone=national, default_region="DE")["phone"] == PHONE
    assert client.get(f"/v1/suppressions/{national}{query}").json["phone"] == PHONE
    assert client.delete(f"/v1/suppressions/{national}{query}&scope=*").status_code == 204
    assert upload(client, f"phone\n{national}\n0049{OTHER[2:]}\n", query)["accepted"] == 2
    assert all_scopes(client) == [(PHONE, "*"), (OTHER, "*")]
    body = {"phone": "0049", "default_region": "DE"}
    refused = client.post("/v1/suppressions", json=body)
    assert (refused.status_code, "region DE" in refused.text) == (422, True)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"scope": "all"}, id="no scope"),
        pytest.param({"reason": "No Way"}, id="reason"),
        pytest.param({"phone": "12"}, id="no number"),
        pytest.param({"since": "2999-01-01T00:00:00Z"}, id="a wish of the future"),
        pytest.param({"until": "tomorrow"}, id="no time"),
        pytest.param({"until": "2020-01-01T00:00:00Z"}, id="over already"),
        pytest.param({"colour": "red"}, id="unknown field"),
    ],
)
def test_a_wrong_suppression_is_refused(
    client: FlaskClient, pool: Database, wrong: dict[str, str]
) -> None:
    assert client.post("/v1/suppressions", json={"phone": PHONE, **wrong}).status_code == 422
    assert value(pool, "SELECT COUNT(*) FROM suppressions") == 0


def test_one_scope_is_removed(client: FlaskClient, pool: Database) -> None:
    add(client)
    add(client, scope="sender:Shop")
    assert client.delete(f"/v1/suppressions/{PHONE}").status_code == 422
    assert client.delete(f"/v1/suppressions/{PHONE}?scope=*").status_code == 204
    assert client.delete(f"/v1/suppressions/{PHONE}?scope=*").status_code == 404
    assert all_scopes(client) == [(PHONE, "sender:shop")]
    changes = rows(pool, "SELECT scope, is_added FROM suppression_changes ORDER BY id")
    assert changes == [("*", 1), ("sender:shop", 1), ("*", 0)]


def test_a_suppression_in_force_is_one_for_the_doctor(client: FlaskClient, pool: Database) -> None:
    with pool.reading() as cursor:
        assert not is_anybody_suppressed(cursor)
    add(client)
    with pool.reading() as cursor:
        assert is_anybody_suppressed(cursor)


def test_pages_follow_each_other(client: FlaskClient) -> None:
    for phone in (OTHER, PHONE):
        for scope in ("*", "topic:a"):
            add(client, phone=phone, scope=scope)
    found, query = [], "?limit=3"
    while query:
        page = client.get(f"/v1/suppressions{query}").json
        found += [(row["phone"], row["scope"]) for row in page["suppressions"]]
        query = page["next_cursor"] and f"?limit=3&cursor={page['next_cursor']}"
    assert found == [(p, s) for p in (PHONE, OTHER) for s in ("*", "topic:a")]


def test_filters_find_far_rows(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page ends after some rows, however few of them match; the next one goes on."""
    monkeypatch.setattr(listing, "SCANNED_AT_ONCE", 2)
    for number in range(5):
        add(client, phone=f"491761234567{number}", reason="stop" if number == 4 else "letter")
    pages, query = [], "?reason=stop"
    while query:
        page = client.get(f"/v1/suppressions{query}").json
        pages.append([row["phone"] for row in page["suppressions"]])
        query = page["next_cursor"] and f"?reason=stop&cursor={page['next_cursor']}"
    assert pages == [[], [], ["4917612345674"]]
    exported = client.get("/v1/suppressions.csv?reason=stop").text.splitlines()
    assert [line.split(",")[0] for line in exported] == ["phone", "4917612345674"]


def test_a_file_is_imported_without_a_change_for_each_row(
    client: FlaskClient, pool: Database
) -> None:
    before = value(pool, "SELECT imports FROM suppression_state")
    text = (
        f"phone,scope,until\n{PHONE},sender:Shop,2036-01-01T00:00:00Z\n+49 176 12345679,,\nnone,,\n"
    )
    done = upload(client, f"{text}{OTHER},all,\n", "?reason=crm&source=old+system")
    assert (done["accepted"], done["rejected"]) == (2, 2)
    assert [reject["reason"].split()[0] for reject in done["first_rejects"]] == ["phone", "scope"]
    stored = rows(pool, "SELECT phone, scope, reason, source FROM suppressions ORDER BY phone")
    assert stored == [
        (PHONE, "sender:shop", "crm", "old system"),
        (OTHER, "*", "crm", "old system"),
    ]
    assert value(pool, "SELECT COUNT(*) FROM suppression_changes") == 0
    assert value(pool, "SELECT imports FROM suppression_state") == before + 1
    assert rows(pool, "SELECT actor, accepted, rejected FROM suppression_imports") == [
        ("api", 2, 2)
    ]


def test_an_import_never_shortens_a_suppression(client: FlaskClient) -> None:
    add(client, reason="stop")
    add(client, phone=OTHER, until="2030-01-01T00:00:00Z")
    upload(client, f"phone,until\n{PHONE},2031-01-01T00:00:00Z\n{OTHER},2031-01-01T00:00:00Z\n")
    found = client.get("/v1/suppressions").json["suppressions"]
    assert [(row["reason"], row["until"]) for row in found] == [
        ("stop", None),
        ("request", "2031-01-01T00:00:00.000Z"),
    ]


def test_an_export_can_be_imported(client: FlaskClient, pool: Database) -> None:
    add(client, note="=1+1", scope="topic:offers")
    add(client, scope=scope_of_answer("p", "+491701234567"))
    add(client, scope=scope_of_answer("p", "MG0123456789abcdef0123456789abcdef"))
    upload(client, f"phone\n{OTHER}\n")
    exported = client.get("/v1/suppressions.csv").text
    before = rows(pool, "SELECT * FROM suppressions ORDER BY phone")
    done = upload(client, exported)
    assert (done["accepted"], done["rejected"]) == (4, 0)
    assert rows(pool, "SELECT * FROM suppressions ORDER BY phone") == before
    for phone, scope in all_scopes(client):
        assert client.delete(f"/v1/suppressions/{phone}?scope={scope}").status_code == 204


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00", "tomorrow"]
)
def test_a_moment_out_of_range_is_a_reject(client: FlaskClient, moment: str) -> None:
    done = upload(client, f"phone,until\n{PHONE},{moment}\n{OTHER},\n")
    assert (done["accepted"], done["rejected"]) == (1, 1)


def test_the_end_of_an_import_waits_for_its_last_batch(
    settings: Settings, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is committed after the number is raised would not be looked up."""
    limited = replace(settings, api=replace(settings.api, max_upload_rows=1))
    ended = threading.Event()
    seen: list[bool] = []

    def store(*others: Any, **more: Any) -> None:  # noqa: ANN401 - as it is called
        seen.append(ended.wait(0.5))
        import_suppressions(*others, **more)

    def end(*others: Any, **more: Any) -> None:  # noqa: ANN401 - as it is called
        ended.set()
        end_import(*others, **more)

    monkeypatch.setattr(suppression_import, "BATCH_ROWS", 1)
    monkeypatch.setattr(suppression_import, "import_suppressions", store)
    monkeypatch.setattr(suppression_import, "end_import", end)
    client = create_app(limited, Databases((pool,))).test_client()
    text = f"phone\n{PHONE}\n{OTHER}\n"
    refused = client.post("/v1/suppressions.csv", data=text, content_type="text/csv")
    assert (refused.status_code, seen, ended.is_set()) == (413, [False], True)
    assert value(pool, "SELECT COUNT(*) FROM suppressions") == 1


def test_the_sweep_ends_an_import_that_was_killed(pool: Database) -> None:
    before = value(pool, "SELECT imports FROM suppression_state")
    with pool.transaction() as cursor:
        progress = ImportProgress(1, 0, begin_import(cursor, "api", "crm"))
        import_suppressions(cursor, {Wish("*", "import", "crm"): [PHONE]}, progress)
        assert end_abandoned_imports(cursor, 60.0) == 0
    change(pool, "UPDATE suppression_imports SET progress_at = NOW(6) - INTERVAL 2 MINUTE")
    for ended in (1, 0):
        with pool.transaction() as cursor:
            assert end_abandoned_imports(cursor, 60.0) == ended
    assert value(pool, "SELECT imports FROM suppression_state") == before + 1


@pytest.mark.parametrize(
    "text", ["", "phone\n", "phone\nnone\n", "phone,scope\n491761234567,all\n"]
)
def test_a_file_without_a_row_is_refused(client: FlaskClient, pool: Database, text: str) -> None:
    answer = client.post("/v1/suppressions.csv", data=text, content_type="text/csv")
    assert answer.status_code == 422
    assert value(pool, "SELECT COUNT(*) FROM suppressions") == 0


def test_a_file_with_another_column_is_refused(client: FlaskClient, pool: Database) -> None:
    answer = client.post(
        "/v1/suppressions.csv", data=f"phone,colour\n{PHONE},red\n", content_type="text/csv"
    )
    assert (answer.status_code, "colour" in answer.text) == (422, True)
    assert value(pool, "SELECT COUNT(*) FROM suppressions") == 0
