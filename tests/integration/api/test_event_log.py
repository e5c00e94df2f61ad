"""GET /v1/events: what everybody has done."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymysql.cursors import Cursor

from campaign_api.audit.event_log import kinds_named
from campaign_api.campaigns import history
from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.domain.campaign import CampaignState
from campaign_common.store.audit import pages
from campaign_common.store.audit.pages import EventFilter, EventPosition
from campaign_common.store.audit.sources import KINDS, SOURCES
from campaign_common.store.core.events import EventRow
from tests.integration.api.stored import change, rows
from tests.support.keys import bearer, make_key

URL = "/v1/events"
CAMPAIGN_EVENT = """
INSERT INTO campaign_events (campaign_id, at, actor, from_state, to_state, reason)
VALUES (%s, %s, %s, %s, %s, %s)
"""
ONE_OF_EACH = (
    (
        "INSERT INTO campaign_events (campaign_id, at, actor, from_state, to_state, reason)"
        " VALUES (5, '2026-01-01 00:00:01', 'Ann', NULL, 'draft', '<i>&')"
    ),
    (
        "INSERT INTO purged_campaigns (id, name, state, list_id, outcomes, created_at, over_since,"
        " actor, purged_at) VALUES (4, 'game', 'finished', 7, '{}', NOW(6), NOW(6), 'keeper',"
        " '2026-01-01 00:00:02')"
    ),
    (
        "INSERT INTO provider_events (provider, at, actor, kind, details) VALUES"
        " ('http', '2026-01-01 00:00:03', 'Ann', 'limits', '{\"limits\": {\"per_second\": 5}}')"
    ),
    (
        "INSERT INTO provider_events (provider, at, actor, kind, details) VALUES"
        " ('best', '2026-01-01 00:00:04', 'Bob', 'weights', '{\"choices\": null}')"
    ),
    (
        "INSERT INTO suppression_changes (phone, scope, is_added, reason, until, actor, changed_at)"
        " VALUES ('13900000001', '*', 1, 'stop', '2027-01-01', 'Ann', '2026-01-01 00:00:05')"
    ),
    (
        "INSERT INTO suppression_changes (phone, scope, is_added, actor, changed_at)"
        " VALUES ('', '*', 0, 'Bob', '2026-01-01 00:00:06')"
    ),
    (
        "INSERT INTO suppression_imports (actor, source, accepted, rejected, progress_at, ended_at)"
        " VALUES ('Ann', 'file', 9, 1, NOW(6), '2026-01-01 00:00:07')"
    ),
    (
        "INSERT INTO suppression_imports (actor, source, accepted, rejected, progress_at)"
        " VALUES ('Ann', 'under way', 0, 0, NOW(6))"
    ),
    (
        "INSERT INTO erasures (phone, actor, requested_at, last_list_id, step)"
        " VALUES ('13900000002', 'Bob', '2026-01-01 00:00:08', 0, 'recipients')"
    ),
    "INSERT INTO reconsented_lists VALUES (7, 'Ann', '2026-01-01 00:00:09')",
    (
        "INSERT INTO webhook_changes (webhook_id, at, actor, kind, details) VALUES"
        " (8, '2026-01-01 00:00:10', 'Bob', 'changed', '{\"enabled\": false}')"
    ),
)
"""Rows of every source but keys, the oldest first; one import is not over."""

EXPECTED = (
    ("campaign.created", "Ann", "5", {"from": None, "to": "draft", "reason": "<i>&"}),
    ("campaign.purged", "keeper", "4", {"name": "game", "state": "finished"}),
    ("provider.limits", "Ann", "http", {"limits": {"per_second": 5}}),
    ("route.weights", "Bob", "best", {"choices": None}),
    (
        "suppression.added",
        "Ann",
        "13900000001",
        {"scope": "*", "reason": "stop", "until": "2027-01-01T00:00:00.000Z"},
    ),
    ("suppression.removed", "Bob", None, {"scope": "*", "reason": None, "until": None}),
    ("suppression.imported", "Ann", None, {"source": "file", "accepted": 9, "rejected": 1}),
    ("person.erased", "Bob", None, {}),
    ("list.reconsented", "Ann", "7", {}),
    ("webhook.changed", "Bob", "8", {"enabled": False}),
)


@pytest.fixture
def done(pool: Database) -> Database:
    for statement in ONE_OF_EACH:
        change(pool, statement)
    return pool


def get(client: FlaskClient, **parameters: object) -> Any:  # noqa: ANN401 - any JSON
    answer = client.get(URL, query_string={k: str(v) for k, v in parameters.items()})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def walk(client: FlaskClient, **parameters: object) -> Iterator[Any]:
    """Follow the pages to the end."""
    page = get(client, **parameters)
    yield page
    while page["next_cursor"]:
        page = get(client, **parameters, cursor=page["next_cursor"])
        yield page


def kinds_of(events: Sequence[Any]) -> list[str]:
    return [event["kind"] for event in events]


@pytest.mark.usefixtures("done")
def test_events_of_all_sources_come_newest_first(client: FlaskClient) -> None:
    events = get(client)["events"]
    assert [event.pop("at") for event in events] == [
        f"2026-01-01T00:00:{second:02}.000Z" for second in range(10, 0, -1)
    ]
    assert len({event.pop("id") for event in events}) == len(events)
    for event, (kind, actor, subject, details) in zip(events, reversed(EXPECTED), strict=True):
        about = event.pop("subject")
        assert about == subject or kind == "suppression.imported"  # the id of the import
        assert event == {"kind": kind, "actor": actor, "details": details}


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("limit", [1, 3])
def test_pages_have_each_event_once(client: FlaskClient, limit: int) -> None:
    found = [event for page in walk(client, limit=limit) for event in page["events"]]
    assert kinds_of(found) == [kind for kind, *_ in reversed(EXPECTED)]


def test_events_of_one_moment_are_paged_too(client: FlaskClient, pool: Database) -> None:
    for statement in ONE_OF_EACH:
        change(pool, statement)
    for source in SOURCES:
        change(pool, f"UPDATE {source.table} SET {source.at} = '2026-01-01'")
    change(pool, "DELETE FROM suppression_imports WHERE source = 'under way'")
    found = [event["id"] for page in walk(client, limit=1) for event in page["events"]]
    assert len(found) == len(set(found)) == len(EXPECTED)


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    ("parameters", "kinds"),
    [
        (
            {"actor": "Bob"},
            ["webhook.changed", "person.erased", "suppression.removed", "route.weights"],
        ),
        ({"actor": "bob"}, []),
        ({"actor": "Ann", "kind": "suppression.imported"}, ["suppression.imported"]),
        ({"kind": "route.weights"}, ["route.weights"]),
        ({"kind": "suppression", "actor": "Bob"}, ["suppression.removed"]),
        ({"kind": "api_key", "actor": "Bob"}, []),
        (
            {"from": "2026-01-01T00:00:02Z", "to": "2026-01-01T01:00:04+01:00"},
            ["provider.limits", "campaign.purged"],
        ),
    ],
)
def test_events_are_filtered(
    client: FlaskClient, parameters: dict[str, str], kinds: list[str]
) -> None:
    assert kinds_of(get(client, **parameters)["events"]) == kinds


@pytest.mark.parametrize(
    "parameters", [{"kind": "nothing"}, {"actor": ""}, {"from": "yesterday"}, {"since": "now"}]
)
def test_filters_that_mean_nothing_are_refused(
    client: FlaskClient, parameters: dict[str, str]
) -> None:
    assert client.get(URL, query_string=parameters).status_code == 422


@pytest.mark.usefixtures("done")
def test_only_an_admin_key_sees_events_of_keys_and_webhooks(
    client: FlaskClient, pool: Database
) -> None:
    seen = {}
    for scope in (Scope.READ, Scope.ADMIN):
        headers = bearer(make_key(pool, scope))
        answer = client.get(URL, headers=headers)
        assert answer.status_code == 200
        seen[scope] = {kind.partition(".")[0] for kind in kinds_of(answer.get_json()["events"])}
        for kind in ("api_key", "webhook.changed"):
            refused = client.get(URL, query_string={"kind": kind}, headers=headers)
            assert refused.status_code == (200 if scope is Scope.ADMIN else 403)
    assert seen[Scope.ADMIN] - seen[Scope.READ] == {"api_key", "webhook"}
    change(
        pool,
        "UPDATE api_keys SET revoked_at = created_at, revoked_by = 'Bob' WHERE scope = 'read'",
    )
    answer = client.get(URL, query_string={"kind": "api_key"}, headers=headers)
    of_keys = [
        (event["kind"], event["actor"], event["details"]) for event in answer.get_json()["events"]
    ]
    admin, read = {"name": "Ann", "scope": "admin"}, {"name": "Ann", "scope": "read"}
    assert of_keys == [
        ("api_key.created", None, admin),
        ("api_key.revoked", "Bob", read),
        ("api_key.created", None, read),
    ]
    first = client.get(URL, query_string={"kind": "api_key", "limit": 1}, headers=headers)
    url = first.headers["Link"].partition(">")[0].removeprefix("<")
    (second,) = client.get(url, headers=headers).get_json()["events"]
    assert second["kind"] == "api_key.revoked"


def test_kinds_are_those_of_the_history_of_a_campaign(client: FlaskClient, pool: Database) -> None:
    """For each pair of states, with and without the reason of a retry; and as a filter."""
    states = [None, *CampaignState]
    reasons = (None, "retry of failed", "a recipient was erased")
    changes = list(product(states, states, reasons))
    with pool.transaction() as cursor:
        for before, after, reason in changes:
            values = (1, "2026-01-01", "Ann", before, after, reason)
            cursor.execute(CAMPAIGN_EVENT, values)
    found = get(client, limit=len(changes))["events"]
    expected = [
        f"campaign.{history.described(EventRow(*row))['type']}"
        for row in rows(
            pool,
            "SELECT id, at, actor, from_state, to_state, reason FROM campaign_events"
            " ORDER BY id DESC",
        )
    ]
    assert kinds_of(found) == expected
    for kind in ("campaign.changed", "campaign.retried", "campaign.created"):
        alone = kinds_of(get(client, kind=kind, limit=len(changes))["events"])
        assert alone == [one for one in expected if one == kind]


def test_a_page_ends_after_many_rows_that_do_not_match(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SCANNED_AT_ONCE", 4)
    for second in range(10):
        to = "draft" if second in (0, 9) else None
        values = (1, f"2026-01-01 00:00:{second:02}", "Ann", None if to else "draft", to, None)
        change(pool, CAMPAIGN_EVENT, *values)
    numbers = [len(page["events"]) for page in walk(client, kind="campaign.created")]
    assert numbers == [1, 0, 1]


class _Noting:
    """A cursor that notes what it executes."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.statements: list[tuple[str, Any]] = []

    def execute(self, statement: str, values: Any) -> int:  # noqa: ANN401 - as of a cursor
        self.statements.append((statement, values))
        return self._cursor.execute(statement, values)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as of a cursor
        return getattr(self._cursor, name)


AFTER = EventPosition(datetime(2026, 6, 1), 3, 17)  # noqa: DTZ001 - as the database has it


@pytest.mark.parametrize("kind", [None, "campaign.paused", "suppression.added"])
@pytest.mark.parametrize("actor", [None, "Ann"])
@pytest.mark.usefixtures("done")
def test_an_index_answers_in_its_order(pool: Database, kind: str | None, actor: str | None) -> None:
    """Of every table that may be large, no row is read and then sorted."""
    small = [source.table for source in SOURCES if source.by_time is None]
    assert set(small) == {"reconsented_lists", "api_keys"}
    with pool.reading() as cursor:
        for after in (None, AFTER):
            noting = _Noting(cursor)
            wanted = EventFilter(
                kinds_named(kind), actor, since=None, before=None if after else AFTER.at
            )
            pages.read_page(noting, wanted, after, 100)  # type: ignore[arg-type]
            assert noting.statements
            for statement, values in noting.statements:
                cursor.execute(f"EXPLAIN FORMAT=TRADITIONAL {statement}", values)
                names = [column[0] for column in cursor.description]
                (row,) = [dict(zip(names, plan, strict=True)) for plan in cursor.fetchall()]
                if row["table"] not in small:
                    assert "filesort" not in (row["Extra"] or ""), (statement, row)
                    assert row["key"], (statement, row)


def test_every_kind_has_a_row_above() -> None:
    """Or is one of a campaign, a check, of a key, or another one of a webhook."""
    shown = {kind for kind, *_ in EXPECTED} | {"provider.check"}
    others = {kind for kind in KINDS if kind.startswith(("campaign.", "api_key.", "webhook."))}
    assert set(KINDS) - shown <= others
