"""DELETE /v1/recipients/{phone}: what is gone afterwards, and what still adds up."""

import threading
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.erased.keys import ErasureKeys
from campaign_api.messages import erasing
from campaign_api.messages.erasing import Eraser
from campaign_common.database import Database
from campaign_common.domain.message import Status
from campaign_common.domain.recipient import tombstone
from campaign_common.domain.shard import shard_of
from campaign_common.settings import ErasureSettings
from campaign_common.store.recipients.erasures import ErasureStep, order_erasure
from tests.integration.api.conftest import SHARDS
from tests.integration.api.messages_seed import (
    CAMPAIGN,
    LIST,
    add_campaign,
    add_list,
    phone_of,
    record,
)
from tests.integration.api.stored import change, rows, value

PHONE = "4917612345678"

NO_KEYS = ErasureKeys(ErasureSettings())

REJECTS = {
    1: "Ann,+49 (176) 1234-5678,extra",
    2: "Ann,0176/12345678",
    3: "Ann,\uff11\uff17\uff16\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
    4: "Bob,4917612345679",
    5: "Eve,none",
}


@pytest.fixture(autouse=True)
def people(pool: Database) -> None:
    """Two lists; the person is number 2 of each."""
    for list_id in (LIST, LIST + 1):
        add_list(pool, [1, 2, 3], list_id)
    change(pool, "UPDATE recipients SET phone = %s, name = 'Ann' WHERE seq = 2", PHONE)


def erase(client: FlaskClient, phone: str = PHONE) -> Any:  # noqa: ANN401 - any JSON
    answer = client.delete(f"/v1/recipients/{phone}")
    assert answer.status_code == 202, answer.text
    return answer.json


def everything(pool: Database) -> str:
    """All that the tables of people say."""
    tables = ("recipients", "recipient_rejects", "trial_messages", "campaign_events")
    return str([rows(pool, f"SELECT * FROM {table}") for table in tables])


def test_name_attributes_and_number_are_gone_from_every_list(
    client: FlaskClient, pool: Database
) -> None:
    assert erase(client, "+49 176 12345678")["remaining_steps"] == ["dead_letters"]
    erased = rows(
        pool, "SELECT phone, name, attributes, erased_shard_count FROM recipients WHERE seq = 2"
    )
    assert erased == [(tombstone(2), "", None, SHARDS)] * 2
    assert PHONE not in everything(pool)
    assert value(pool, "SELECT COUNT(*) FROM recipients WHERE name <> ''") == 4
    shard = value(pool, "SELECT MAX(erased_shard) FROM recipients WHERE seq = 2")
    assert shard == shard_of(PHONE, SHARDS)
    assert client.get(f"/v1/messages?phone={PHONE}").json == {"messages": [], "next_cursor": None}


def test_rejected_rows_lose_their_text_in_every_written_form(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "REJECTS_AT_ONCE", 2)
    for list_id in (3, LIST, LIST + 1, LIST + 2):
        for line, text in REJECTS.items():
            change(
                pool,
                "INSERT INTO recipient_rejects VALUES (%s, %s, 'bad', %s)",
                list_id,
                line,
                text,
            )
    assert erase(client)["remaining_steps"] == ["dead_letters"]
    left = rows(pool, "SELECT list_id, line FROM recipient_rejects WHERE raw_text <> ''")
    later = [(LIST + 2, line) for line in REJECTS]  # a list that came after the order
    assert sorted(left) == [(n, line) for n in (3, LIST, LIST + 1) for line in (4, 5)] + later
    assert value(pool, "SELECT COUNT(*) FROM recipient_rejects") == 4 * len(REJECTS)


def test_unsent_messages_of_running_campaigns_are_cancelled(
    client: FlaskClient, pool: Database
) -> None:
    add_campaign(pool, 1, state="running")
    add_campaign(pool, 2, state="paused", list_id=LIST + 1, shards=1)
    add_campaign(pool, 3, state="finished")
    add_campaign(pool, 4, state="cancelled")
    add_campaign(pool, 5, state="draft", shards=None)
    erase(client)
    asked = rows(pool, "SELECT campaign_id, shard, kind, arguments FROM shard_commands ORDER BY 1")
    assert asked == [
        (1, shard_of(PHONE, SHARDS), "erase", '{"seqs": [2]}'),
        (2, 0, "erase", '{"seqs": [2]}'),
    ]
    events = rows(pool, "SELECT campaign_id, actor, from_state, to_state FROM campaign_events")
    assert sorted(events) == [
        (1, "api", "running", "running"),
        (2, "api", "paused", "paused"),
    ]


def test_the_row_keeps_a_shard_for_every_campaign_that_runs(
    client: FlaskClient, pool: Database
) -> None:
    add_campaign(pool, 1, shards=3)
    add_campaign(pool, 2, shards=5)
    add_campaign(pool, 3, shards=7, state="finished")
    erase(client)
    ((shard, of),) = rows(
        pool,
        "SELECT erased_shard, erased_shard_count FROM recipients WHERE seq = 2 AND list_id = %s",
        LIST,
    )
    assert of == SHARDS * 3 * 5
    for shards in (SHARDS, 3, 5):
        assert shard % shards == shard_of(PHONE, shards)


def test_unlike_shard_counts_hold_back_one_list_only(client: FlaskClient, pool: Database) -> None:
    """Shard counts that do not go together hold one list and not the others."""
    for campaign_id, shards in ((1, 251), (2, 241)):
        add_campaign(pool, campaign_id, shards=shards)
    answer = client.delete(f"/v1/recipients/{PHONE}")
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["type"].endswith(":erasure-conflict")
    assert rows(pool, "SELECT list_id FROM recipients WHERE phone = %s", PHONE) == [(LIST,)]
    change(pool, "UPDATE campaigns SET state = 'finished'")
    change(pool, "UPDATE erasures SET requested_at = NOW(6) - INTERVAL 2 MINUTE")
    assert Eraser(pool, SHARDS, NO_KEYS).resume_unfinished(threading.Event()) == 1
    assert PHONE not in everything(pool)


def test_what_a_dead_request_left_is_gone_on_with(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "REJECTS_AT_ONCE", 1)
    monkeypatch.setattr(erasing, "IN_REQUEST", 0.0)
    change(pool, "INSERT INTO recipient_rejects VALUES (%s, 4, 'bad', %s)", LIST, PHONE)
    assert erase(client)["remaining_steps"] == ["rejects", "dead_letters"]
    eraser = Eraser(pool, SHARDS, NO_KEYS)
    assert eraser.resume_unfinished(threading.Event()) == 0  # its request may still be at work
    with pool.transaction() as cursor:
        order_erasure(cursor, phone_of(1), "died at once")
    change(pool, "UPDATE erasures SET requested_at = NOW(6) - INTERVAL 2 MINUTE")
    assert eraser.resume_unfinished(threading.Event()) == 2
    assert PHONE not in everything(pool)
    assert phone_of(1) not in everything(pool)
    steps = rows(pool, "SELECT DISTINCT step FROM erasures")
    assert steps == [(ErasureStep.DEAD_LETTERS.value,)]


def test_erasing_again_changes_nothing(client: FlaskClient, pool: Database) -> None:
    add_campaign(pool)
    erase(client)
    before = everything(pool)
    erase(client)
    assert everything(pool) == before
    assert value(pool, "SELECT COUNT(*) FROM shard_commands") == 1


def test_test_messages_go(client: FlaskClient, pool: Database) -> None:
    add_campaign(pool)
    insert = (
        "INSERT INTO trial_messages (campaign_id, provider, phone, body, actor, requested_at)"
        " VALUES (1, 'simulated', %s, 'hi Ann', 'me', NOW(6))"
    )
    change(pool, insert, PHONE)
    change(pool, insert, phone_of(3))
    erase(client)
    assert rows(pool, "SELECT phone FROM trial_messages") == [(phone_of(3),)]


def test_answers_go(client: FlaskClient, pool: Database) -> None:
    """And when there were some; also those to the number as it is dialled at home."""
    at_home = "0" + PHONE[2:]
    insert = (
        "INSERT INTO trial_messages (campaign_id, provider, answer_provider, purpose, phone, body,"
        " actor, requested_at) VALUES (0, '', 'one', 2, %s, 'gone', 'inbound message', NOW(6))"
    )
    note = "INSERT INTO answered_keywords (phone, keyword, answered_at) VALUES (%s, 'stop', NOW(6))"
    for phone in (PHONE, at_home, phone_of(3)):
        change(pool, insert, phone)
        change(pool, note, phone)
    erase(client)
    for table in ("trial_messages", "answered_keywords"):
        assert rows(pool, f"SELECT phone FROM {table}") == [(phone_of(3),)]


def test_changes_of_suppressions_lose_the_number(client: FlaskClient, pool: Database) -> None:
    """Senders read the youngest changes, which the sweep blanks later. The suppression stays."""
    for scope in ("*", "topic:offers"):
        body = {"phone": PHONE, "scope": scope}
        assert client.post("/v1/suppressions", json=body).status_code == 200
    assert client.delete(f"/v1/suppressions/{PHONE}?scope=*").status_code == 204
    assert erase(client)["remaining_steps"] == ["rejects", "dead_letters"]
    phones = "SELECT phone FROM suppression_changes"
    assert rows(pool, phones) == [(PHONE,)] * 3
    change(pool, "UPDATE suppression_changes SET changed_at = NOW(6) - INTERVAL 1 DAY")
    change(pool, "UPDATE erasures SET requested_at = NOW(6) - INTERVAL 1 DAY")
    assert Eraser(pool, SHARDS, NO_KEYS).resume_unfinished(threading.Event()) == 1
    assert rows(pool, phones) == [("",)] * 3
    assert value(pool, "SELECT step FROM erasures") == ErasureStep.DEAD_LETTERS
    assert rows(pool, "SELECT phone, scope FROM suppressions") == [(PHONE, "topic:offers")]


def test_old_changes_lose_the_number_at_once(client: FlaskClient, pool: Database) -> None:
    assert client.post("/v1/suppressions", json={"phone": PHONE}).status_code == 200
    change(pool, "UPDATE suppression_changes SET changed_at = NOW(6) - INTERVAL 1 DAY")
    assert erase(client)["remaining_steps"] == ["dead_letters"]
    assert rows(pool, "SELECT phone FROM suppression_changes") == [("",)]


def test_the_listing_shows_that_somebody_was_there(client: FlaskClient, pool: Database) -> None:
    add_campaign(pool)
    change(pool, "UPDATE recipients SET phone = %s WHERE seq = 2", phone_of(2))
    record(pool, {2: Status.SENT})
    erase(client, phone_of(2))
    page = client.get(f"/v1/campaigns/{CAMPAIGN}/messages").json
    assert page is not None
    shown = [(m["seq"], m["phone"], m["status"]) for m in page["messages"]]
    assert shown[1] == (2, None, "sent")


@pytest.mark.parametrize("phone", ["12", "x2", "4917612345678901", "%20", tombstone(2)])
def test_what_is_no_number_is_refused(client: FlaskClient, phone: str) -> None:
    assert client.delete(f"/v1/recipients/{phone}").status_code == 422
