"""Purging: what has been over for long goes as a whole, in small transactions, however it ends."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_admin.maintenance.purge import Purge, Stopped
from campaign_api.sweep import sweep_abandoned_lists
from campaign_common.database import Cursor, Database, Databases
from campaign_common.errors import CommitUnknown
from campaign_common.settings import MysqlSettings
from tests.integration.api.messages_seed import (
    CAMPAIGN,
    LIST,
    add_campaign,
    add_list,
)
from tests.integration.api.old_campaigns import (
    COUNTED_RECEIPT,
    KEPT_SAMPLE,
    OPEN_RECEIPT,
    PEOPLE,
    RECEIPT,
    TABLES,
    TERMS,
    end,
    fill,
    left_of,
    make_anew,
    messages_of_person,
    purge,
)
from tests.integration.api.stored import change, rows, value


@pytest.fixture
def finished(pool: Database) -> int:
    """A campaign with rows everywhere that has been over for 91 days."""
    add_list(pool, range(1, PEOPLE + 1))
    make_anew(pool)
    return CAMPAIGN


class Killed(BaseException):
    """Stands for the end of the process: nothing may handle it."""


class WatchedDatabase(Database):
    """Counts the rows that each transaction deletes, and dies before the one a test names."""

    def __init__(self, settings: MysqlSettings, die_before: int | None = None) -> None:
        super().__init__(settings)
        self.transactions: list[int] = []
        self._die_before = die_before

    @contextmanager
    def transaction(self, *, timeout: float | None = None) -> Iterator[Cursor]:
        if len(self.transactions) == self._die_before:
            raise Killed
        with super().transaction(timeout=timeout) as cursor:
            counted = CountingCursor(cursor)
            yield counted  # type: ignore[misc]
        self.transactions.append(counted.deleted)


class CountingCursor:
    """A cursor that remembers how many rows its DELETEs have met."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.deleted = 0

    def execute(self, query: str, args: object = None) -> int:
        met = self._cursor.execute(query, args)
        if query.lstrip().startswith("DELETE"):
            self.deleted += met
        return met

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the cursor's own
        return getattr(self._cursor, name)


def test_what_has_been_over_for_long_goes_and_the_rest_stays(pool: Database, finished: int) -> None:
    kept = {"running": 99, "paused": 99, "scheduled": 99, "draft": 99, "finished": 89}
    for campaign_id, (state, days) in enumerate(kept.items(), start=10):
        add_campaign(pool, campaign_id)
        fill(pool, campaign_id)
        end(pool, campaign_id, state, days=days)
    gone = {finished: "finished", 20: "cancelled", 21: "failed"}
    for campaign_id, state in list(gone.items())[1:]:
        add_campaign(pool, campaign_id)
        fill(pool, campaign_id)
        end(pool, campaign_id, state, days=91)
    # Nothing says when a campaign failed but its event.
    change(pool, "UPDATE campaigns SET finished_at = NULL WHERE id = 21")
    before = {campaign_id: left_of(pool, campaign_id) for campaign_id in range(10, 15)}
    purged = purge(pool)
    assert (purged.campaigns, purged.held, purged.lists) == (3, 0, 0)
    for campaign_id in gone:
        assert left_of(pool, campaign_id) == {}
    for campaign_id, had in before.items():
        assert set(had) == set(TABLES)
        assert left_of(pool, campaign_id) == had
    assert value(pool, "SELECT COUNT(*) FROM recipients") == PEOPLE
    assert purge(pool).campaigns == 0


def test_a_trace_tells_what_was_purged_and_by_whom(pool: Database, finished: int) -> None:
    purge(pool)
    ((*trace, outcomes),) = rows(
        pool,
        "SELECT id, name, state, list_id, total, actor, purged_at > NOW(6) - INTERVAL 1 MINUTE,"
        " emptied_at >= purged_at, ROUND(TIMESTAMPDIFF(HOUR, over_since, NOW()) / 24), outcomes"
        " FROM purged_campaigns",
    )
    assert trace == [finished, f"game{finished}", "finished", LIST, PEOPLE, "keeper", 1, 1, 91]
    assert json.loads(outcomes) == {"sent": PEOPLE}


def is_whole_or_gone(client: FlaskClient, campaign_id: int) -> bool:
    """Ask for everything that is made of several parts; tell whether the campaign is there."""
    one = client.get(f"/v1/campaigns/{campaign_id}")
    paths = ("/progress", "/messages?limit=1000", "/events")
    answers = [client.get(f"/v1/campaigns/{campaign_id}{path}") for path in paths]
    listed = client.get("/v1/campaigns").get_json()["campaigns"]
    of_person = messages_of_person(client)
    if one.status_code == 404:
        assert {answer.status_code for answer in answers} == {404}
        assert (listed, of_person) == ([], [])
        return False
    progress, messages, events = (answer.get_json() for answer in answers)
    assert one.get_json()["counts"]["sent"] == PEOPLE
    assert progress["balance"]["final"] == PEOPLE
    assert {message["status"] for message in messages["messages"]} == {"sent"}
    assert len(messages["messages"]) == PEOPLE
    assert len(events["events"]) == 6
    assert [entry["counts"]["sent"] for entry in listed] == [PEOPLE]
    assert [message["status"] for message in of_person] == ["sent"]
    return True


def test_a_killed_purge_shows_no_half_and_the_next_ends_it(
    client: FlaskClient, pool: Database, finished: int
) -> None:
    """A purge killed at any moment shows no half and is ended by the next."""
    shown = []
    for step in count():
        dying = WatchedDatabase(pool.settings, die_before=step)
        with suppress(Killed):
            purge(dying)
        dying.close()
        shown.append(is_whole_or_gone(client, finished))
        purge(pool)
        assert left_of(pool, finished) == {}
        assert value(pool, "SELECT COUNT(*) FROM purged_campaigns WHERE emptied_at IS NULL") == 0
        if len(dying.transactions) < step:
            break  # it had ended before that step
        make_anew(pool)
    assert shown == [True] + [False] * (len(shown) - 1)
    assert len(shown) > 20, "there were not so many steps"


def test_no_transaction_is_larger_than_a_slice(pool: Database, finished: int) -> None:
    with pool.transaction() as cursor:
        cursor.executemany(
            "INSERT INTO messages_0 (campaign_id, seq, status, generation, try_number, attempts,"
            " sent_at) VALUES (%s, %s, 1, 0, 1, 1, %s)",
            [(finished, seq, "2026-01-01") for seq in range(PEOPLE + 1, 1_001)],
        )
    watched = WatchedDatabase(pool.settings)
    purged = purge(watched, TERMS._replace(rows=50))
    watched.close()
    # Beside slices, the campaign's own row and a counter for each shard.
    assert max(watched.transactions) == 50
    assert sum(watched.transactions) > 1_000
    assert purged.rows == sum(watched.transactions) - 1
    assert left_of(pool, finished) == {}


def test_a_lost_answer_to_commit_changes_nothing(pool: Database, finished: int) -> None:
    forgetful = ForgetfulDatabase(pool.settings)
    assert purge(forgetful).campaigns == 1
    forgetful.close()
    assert left_of(pool, finished) == {}


class ForgetfulDatabase(Database):
    """Loses the answer to every second COMMIT."""

    _commits = 0

    @contextmanager
    def transaction(self, *, timeout: float | None = None) -> Iterator[Cursor]:
        with super().transaction(timeout=timeout) as cursor:
            yield cursor
        self._commits += 1
        if self._commits % 2:
            raise CommitUnknown("no answer")


def test_a_stopped_purge_goes_on_where_it_ended(pool: Database, finished: int) -> None:
    stop = threading.Event()
    stopping = StoppingDatabase(pool.settings, stop)
    with pytest.raises(Stopped):
        Purge(Databases((stopping,)), TERMS, stop, lambda _: None).run()
    stopping.close()
    assert left_of(pool, finished)
    assert purge(pool).campaigns == 1
    assert left_of(pool, finished) == {}


class StoppingDatabase(Database):
    """Has the purge end after its third transaction."""

    def __init__(self, settings: MysqlSettings, stop: threading.Event) -> None:
        super().__init__(settings)
        self._stop_purge = stop
        self._left = 3

    @contextmanager
    def transaction(self, *, timeout: float | None = None) -> Iterator[Cursor]:
        with super().transaction(timeout=timeout) as cursor:
            yield cursor
        self._left -= 1
        if not self._left:
            self._stop_purge.set()


def test_a_campaign_with_an_open_order_is_left_alone(pool: Database, finished: int) -> None:
    change(
        pool,
        "INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)"
        " VALUES (0, %s, 'erase', '{}', NOW(6))",
        finished,
    )
    purged = purge(pool)
    assert (purged.campaigns, purged.held) == (0, 1)
    assert set(left_of(pool, finished)) == set(TABLES)
    change(pool, "DELETE FROM shard_commands")
    assert purge(pool).campaigns == 1


def test_lists_that_nobody_uses_any_more_go_when_asked_for(pool: Database, finished: int) -> None:
    add_list(pool, range(100, 110), list_id=8)
    add_list(pool, range(200, 210), list_id=9)
    for campaign_id, list_id in ((6, 8), (7, 8)):
        add_campaign(pool, campaign_id, list_id=list_id)
        end(pool, campaign_id, "finished", days=91)
    end(pool, 7, "finished", days=1)
    assert purge(pool).lists == 0
    assert purge(pool, TERMS._replace(lists=True)).lists == 1
    sweep_abandoned_lists(pool, threading.Event())
    # 8 is used by a campaign that is over for a day; nobody has ever used 9.
    assert rows(pool, "SELECT id, state FROM recipient_lists ORDER BY id") == [
        (8, "ready"),
        (9, "ready"),
    ]
    assert value(pool, "SELECT COUNT(*) FROM recipients WHERE list_id = %s", LIST) == 0


def test_rows_about_campaigns_that_are_gone_go_when_they_are_old(pool: Database) -> None:
    for days in (89, 91):
        change(
            pool,
            "INSERT INTO campaign_events (campaign_id, at, actor) VALUES"
            " (77, NOW(6) - INTERVAL %s DAY, 'drafted')",
            days,
        )
        change(
            pool,
            "INSERT INTO late_results (shard, campaign_id, seq, generation, try_number, status,"
            " created_at) VALUES (0, 77, 1, 0, 1, 1, NOW(6) - INTERVAL %s DAY)",
            days,
        )
        change(
            pool,
            "INSERT INTO provider_events (provider, at, actor, kind, details) VALUES"
            " ('http', NOW(6) - INTERVAL %s DAY, 'ops', 'limits', '{}')",
            days,
        )
        change(
            pool,
            "INSERT INTO webhook_changes (webhook_id, at, actor, kind, details) VALUES"
            " (1, NOW(6) - INTERVAL %s DAY, 'ops', 'created', '{}')",
            days,
        )
    costs = "INSERT INTO campaign_costs VALUES (%s, 0, 'EUR', 1, 0.1)"
    # A version without costs and kept samples has purged 76; 7 is there.
    add_list(pool, [1])
    add_campaign(pool, 7)
    for campaign_id in (76, 7):
        change(pool, costs, campaign_id)
        change(pool, KEPT_SAMPLE, campaign_id, 1)
        change(pool, KEPT_SAMPLE, campaign_id, 2)
    assert purge(pool, TERMS._replace(rows=1)).strays == 5
    assert value(pool, "SELECT campaign_id FROM campaign_costs") == 7
    assert rows(pool, "SELECT campaign_id FROM kept_samples") == [(7,), (7,)]
    for table in ("campaign_events", "late_results", "provider_events", "webhook_changes"):
        assert value(pool, f"SELECT COUNT(*) FROM {table}") == 1


def test_receipts_that_came_during_a_purge_go_with_the_next(pool: Database) -> None:
    """They are found by their counters, which are deleted before the receipts and after them."""
    add_list(pool, [1])
    add_campaign(pool, 7)
    for campaign_id in (76, 7):
        change(pool, RECEIPT.format(shard=1), campaign_id, 5)
        change(pool, OPEN_RECEIPT, campaign_id, 5)
        change(pool, COUNTED_RECEIPT, campaign_id, 1)
    assert purge(pool).strays == 3
    for table in ("receipts_1", "open_receipts", "receipt_counters"):
        assert value(pool, f"SELECT campaign_id FROM {table}") == 7
