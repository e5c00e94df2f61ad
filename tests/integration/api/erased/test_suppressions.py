"""Suppressions of erased people: kept under a hash, and in force again for who comes back."""

import time
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.domain.erasure.erasure_key import ErasureKey
from campaign_common.settings import Settings
from campaign_common.store.messages.send_view import ChangesWanted, Wanted, read_view
from campaign_common.store.suppressions.hashed_suppressions import delete_ended_hashes
from tests.integration.api.erased.people import (
    KEY,
    NEXT_KEY,
    PHONE,
    client_of,
    erase,
    keyed,
    stored_phones,
)
from tests.integration.api.erased.wishes import (
    CHANGES,
    HASHED,
    OTHERS,
    SHOP,
    STORED,
    age,
    bring_back,
    erase_suppressed,
    suppress,
)
from tests.integration.api.lists.uploads import upload
from tests.integration.api.messages_seed import CAMPAIGN, LIST, add_campaign, add_list
from tests.integration.api.stored import change, rows, value
from tests.support.keys import bearer, make_key


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sender runs here whose views would have to be waited for."""
    monkeypatch.setattr("campaign_api.messages.erasing.FRESH_FOR", 0.0)


def listed(client: FlaskClient, query: str = "") -> tuple[int, int | None]:
    page = client.get(f"/v1/suppressions{query}").get_json()
    return len(page["suppressions"]), page["hashed"]


def test_the_number_is_gone_and_the_wish_stays(client: FlaskClient, pool: Database) -> None:
    suppress(client, note="Ann, by letter", until="2036-01-31T09:30:00Z")
    age(pool)
    assert erase(client)["remaining_steps"] == ["dead_letters"]
    change(pool, "UPDATE erasures SET phone = NULL")  # which the last step does
    tables = [row[0] for row in rows(pool, "SHOW TABLES")]
    stored = str([rows(pool, f"SELECT * FROM {table}") for table in tables])
    assert (PHONE in stored, "by letter" in stored) == (False, False)
    assert listed(client) == (0, 1)
    assert (listed(client, f"?scope={SHOP}"), listed(client, "?scope=*")) == ((0, 1), (0, 0))
    assert client.get("/v1/suppressions.csv").text.count("\n") == 1
    assert client.get(f"/v1/suppressions/{PHONE}").json == {
        "phone": PHONE,
        "suppressions": [
            {
                "phone": PHONE,
                "scope": SHOP,
                "reason": "stop",
                "source": "api",
                "since": "2026-01-31T09:30:00.000Z",
                "until": "2036-01-31T09:30:00.000Z",
                "note": None,
            }
        ],
        "changes": [],
    }


@pytest.mark.parametrize("others", [[], OTHERS], ids=["one batch", "many batches"])
def test_who_has_reconsented_is_still_suppressed(
    client: FlaskClient, pool: Database, others: list[str]
) -> None:
    """The rows by which senders look people up are there before the list is."""
    upload(client, "Bob,4917612345679\n")  # what the process knows is from before
    erase_suppressed(client, pool)
    bring_back(client, [*others, PHONE])
    assert stored_phones(pool) >= {PHONE, *others}
    assert rows(pool, STORED) == [(PHONE, SHOP, "stop", "api", None, None)]
    assert value(pool, HASHED) == 0
    assert rows(pool, CHANGES)[-1] == (PHONE, SHOP, 1, "import")
    shown = client.get(f"/v1/suppressions/{PHONE}").get_json()
    assert shown["suppressions"][0]["since"] == "2026-01-31T09:30:00.000Z"


def test_who_is_left_out_stays_a_hash(client: FlaskClient, pool: Database) -> None:
    erase_suppressed(client, pool)
    upload(client, f"Ann,{PHONE}\n")
    assert (rows(pool, STORED), value(pool, HASHED)) == ([], 1)


def test_erased_again_after_coming_back(client: FlaskClient, pool: Database) -> None:
    erase_suppressed(client, pool)
    bring_back(client)
    suppress(client, "topic:offers")
    age(pool)
    erase(client)
    assert (rows(pool, STORED), value(pool, HASHED)) == ([], 2)
    bring_back(client)
    assert {scope for _, scope, *_ in rows(pool, STORED)} == {SHOP, "topic:offers"}


def test_a_hashed_suppression_is_lifted_by_the_number(client: FlaskClient, pool: Database) -> None:
    """The change that it leaves has no number, which would be stored again."""
    erase_suppressed(client, pool)
    for status in (204, 404):
        answer = client.delete(f"/v1/suppressions/+49 176 12345678?scope={SHOP}")
        assert answer.status_code == status
    assert value(pool, HASHED) == 0
    assert rows(pool, CHANGES) == [("", SHOP, 1, "api"), ("", SHOP, 0, "api")]
    bring_back(client)
    assert rows(pool, STORED) == []


def test_an_old_key_still_finds_and_lifts(pool: Database, settings: Settings) -> None:
    """Without the key that made a hash, nothing is lifted or imported, and readyz says so."""
    erase_suppressed(client_of(settings, pool), pool)
    change(pool, "DELETE FROM erased_people")  # as by hand, for who comes back
    lacking = client_of(keyed(settings, NEXT_KEY), pool)
    assert ErasureKey(KEY).id in lacking.get("/readyz").get_json()["warning"]
    removal = f"/v1/suppressions/{PHONE}?scope={SHOP}"
    refused = lacking.delete(removal)
    assert (refused.status_code, refused.get_json()["type"].rpartition(":")[2]) == (
        503,
        "erasure-key-missing",
    )
    assert upload(lacking, f"Ann,{PHONE}\n").status_code == 503
    rotated = client_of(keyed(settings, NEXT_KEY, KEY), pool)
    assert upload(rotated, f"Ann,{PHONE}\n").status_code == 201
    assert len(rows(pool, STORED)) == 1
    age(pool)
    erase(rotated)
    keys = [row[0] for row in rows(pool, "SELECT key_id FROM suppression_hashes")]
    assert keys == [ErasureKey(NEXT_KEY).id]
    assert rotated.delete(removal).status_code == 204


def test_without_a_key_the_number_of_a_suppression_stays(
    pool: Database, settings: Settings
) -> None:
    """It would otherwise be forgotten, and the next import would bring the person back."""
    client = client_of(keyed(settings, None), pool)
    erase_suppressed(client, pool)
    assert (len(rows(pool, STORED)), value(pool, HASHED)) == (1, 0)
    erase(client_of(settings, pool))
    assert (len(rows(pool, STORED)), value(pool, HASHED)) == (0, 1)


def test_a_test_message_is_refused_by_the_hash(client: FlaskClient, pool: Database) -> None:
    add_list(pool, [1, 2])
    add_campaign(pool, state="draft", shards=None)
    change(pool, "UPDATE campaigns SET topic = 'offers'")
    suppress(client, "topic:offers")
    age(pool)
    erase(client)
    body = {"phone": PHONE, "attributes": {"name": "Ann", "city": "Ulm"}}
    answer = client.post(f"/v1/campaigns/{CAMPAIGN}/test", json=body)
    assert (answer.status_code, "is suppressed" in answer.text) == (422, True)
    assert rows(pool, "SELECT id FROM trial_messages") == []


def test_a_wish_that_is_over_leaves_no_hash(client: FlaskClient, pool: Database) -> None:
    suppress(client, "*", until="2036-01-31T09:30:00Z")
    suppress(client)
    change(pool, "UPDATE suppressions SET until = NOW(6) - INTERVAL 1 DAY WHERE scope = '*'")
    age(pool)
    erase(client)
    assert (rows(pool, STORED), value(pool, HASHED)) == ([], 1)
    change(pool, "UPDATE suppression_hashes SET until = NOW(6) - INTERVAL 1 DAY")
    assert pool.run(lambda cursor: delete_ended_hashes(cursor, 10)) == 1
    assert listed(client) == (0, 0)


def test_a_hashed_suppression_is_not_shortened(client: FlaskClient, pool: Database) -> None:
    """Adding one brings the others of the person back first, whose ends only admin keys move."""
    erase_suppressed(client, pool)
    body = {"phone": PHONE, "scope": SHOP, "until": "2036-01-31T09:30:00Z"}
    writing, admin = (bearer(make_key(pool, scope)) for scope in (Scope.WRITE, Scope.ADMIN))
    assert client.post("/v1/suppressions", json=body, headers=writing).status_code == 403
    assert (rows(pool, STORED), value(pool, HASHED)) == ([], 1)
    assert client.post("/v1/suppressions", json=body, headers=admin).status_code == 200
    assert (len(rows(pool, STORED)), value(pool, HASHED)) == (1, 0)


def test_senders_look_up_while_there_are_hashes(client: FlaskClient, pool: Database) -> None:
    """A sender that saw nobody suppressed would not look up who comes back before its next view."""

    def is_empty() -> bool:
        with pool.reading() as cursor:
            changes = ChangesWanted(0, 60.0)
            view = read_view(cursor, Wanted((), None, "", claims=False, suppressions=changes))
        assert view.suppressions is not None
        return view.suppressions.is_empty

    assert is_empty()
    erase_suppressed(client, pool)
    assert not is_empty()


def test_a_running_campaign_is_asked_to_cancel_first(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a suppression goes, every sender has seen that the messages are cancelled."""
    add_list(pool, [1, 2])
    change(pool, "UPDATE recipients SET phone = %s WHERE seq = 2 AND list_id = %s", PHONE, LIST)
    add_campaign(pool)
    suppress(client)
    waited: list[tuple[float, int, int]] = []

    def wait(seconds: float) -> None:
        commands = value(pool, "SELECT COUNT(*) FROM shard_commands WHERE kind = 'erase'")
        waited.append((seconds, commands, len(rows(pool, STORED))))

    monkeypatch.setattr("campaign_api.messages.erasing.FRESH_FOR", 1.0)
    clock = SimpleNamespace(sleep=wait, monotonic=time.monotonic)
    monkeypatch.setattr("campaign_api.messages.erasing.time", clock)
    erase(client)
    assert waited == [(1.0, 1, 1)]
    assert rows(pool, STORED) == []
