"""Requests that meet a purge, or come after it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_api.app import create_app
from campaign_common.database import Cursor, Cursors, Database, Databases, Proof
from campaign_common.domain.campaign import Delivery
from campaign_common.domain.content.campaign_content import TextContent
from campaign_common.domain.message import Status
from campaign_common.settings import MysqlSettings, Settings
from campaign_common.store.campaigns.plans import (
    CampaignPlan,
    Identity,
    insert_numbered,
    insert_plan,
    lock_request,
    read_request,
)
from campaign_common.store.maintenance import purging
from campaign_common.store.maintenance.purging import TakenOut
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list, phone_of
from tests.integration.api.old_campaigns import (
    PEOPLE,
    QUARTER,
    end,
    left_of,
    make_anew,
    messages_of_person,
    purge,
)
from tests.integration.api.stored import change, create, rows


@pytest.fixture
def finished(pool: Database) -> int:
    """A campaign with rows everywhere that has been over for 91 days."""
    add_list(pool, range(1, PEOPLE + 1))
    make_anew(pool)
    return CAMPAIGN


class PurgedMeanwhile(Database):
    """Has a purge carried out before the statement of a reader that a test names."""

    def __init__(self, settings: MysqlSettings, other: Database) -> None:
        super().__init__(settings)
        self.purge_before = -1
        self.statements = 0
        self._other = other

    @contextmanager
    def reading(
        self, *, timeout: float | None = None, proof: Proof = Proof.RECENTLY
    ) -> Iterator[Cursor]:
        with super().reading(timeout=timeout, proof=proof) as cursor:
            yield InterruptedCursor(cursor, self)  # type: ignore[misc]

    def note_statement(self) -> None:
        if self.statements == self.purge_before:
            purge(self._other)
        self.statements += 1


class InterruptedCursor:
    """Cursor that announces each statement before it is carried out."""

    def __init__(self, cursor: Cursor, database: PurgedMeanwhile) -> None:
        self._cursor = cursor
        self._database = database

    def execute(self, query: str, args: object = None) -> int:
        self._database.note_statement()
        return self._cursor.execute(query, args)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the cursor's own
        return getattr(self._cursor, name)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/campaigns/{CAMPAIGN}",
        f"/v1/campaigns/{CAMPAIGN}/progress",
        f"/v1/campaigns/{CAMPAIGN}/events",
        f"/v1/campaigns/{CAMPAIGN}/messages",
        f"/v1/campaigns/{CAMPAIGN}/messages?phone={phone_of(1)}",
        "/v1/campaigns",
        f"/v1/messages?phone={phone_of(1)}",
    ],
)
def test_a_request_that_meets_a_purge_sees_all_or_nothing(
    settings: Settings, pool: Database, finished: int, path: str
) -> None:
    interrupted = PurgedMeanwhile(pool.settings, pool)
    client = create_app(settings, Databases((interrupted,))).test_client()
    whole = without_times(client.get(path))
    seen = set()
    for step in range(interrupted.statements):
        interrupted.purge_before, interrupted.statements = step, 0
        answer = client.get(path)
        seen.add(left_of(pool, finished) == {})
        assert answer.status_code == 404 or without_times(answer) in (whole, NOTHING)
        purge(pool)  # where the request had fewer statements this time
        make_anew(pool)
    interrupted.close()
    assert True in seen, "no purge came in between"


NOTHING = [[]]
"""Content of a page without anything."""


def without_times(answer: TestResponse) -> Any:  # noqa: ANN401 - any JSON
    """Leave out of an answer what differs each time that the campaign is made."""
    assert answer.status_code == 200
    body = answer.get_json()
    if "next_cursor" in body:
        (items,) = (body[name] for name in body if name != "next_cursor")
        return [[stable(item) for item in items]]
    return stable(body)


def stable(item: dict[str, Any]) -> dict[str, Any]:
    return {
        name: of
        for name, of in item.items()
        if not name.endswith("_at") and name not in {"at", "id", "rate"}
    }


def test_an_api_knows_nothing_of_it_any_more(
    client: FlaskClient, pool: Database, finished: int
) -> None:
    paths = ["", "/progress", "/events", "/messages", "/messages.csv"]
    before = [client.get(f"/v1/campaigns/{finished}{path}").status_code for path in paths]
    assert before == [200] * len(paths)
    assert len(messages_of_person(client)) == 1
    purge(pool)
    after = [client.get(f"/v1/campaigns/{finished}{path}").status_code for path in paths]
    assert after == [404] * len(paths)
    assert client.get("/v1/campaigns").get_json()["campaigns"] == []
    assert messages_of_person(client) == []
    for verb in ("retry", "clone"):
        answer = client.post(f"/v1/campaigns/{finished}/{verb}", json={})
        assert answer.status_code in {404, 422}


def retry(client: FlaskClient, campaign_id: int) -> int:
    answer = client.post(f"/v1/campaigns/{campaign_id}/retry", json={"status": "failed"})
    return answer.status_code


def test_a_retry_by_hand_comes_before_the_purge_or_finds_nothing(
    client: FlaskClient, pool: Database, finished: int
) -> None:
    change(pool, "UPDATE campaign_counters SET status = %s", int(Status.FAILED))

    def take_out(cursor: Cursor) -> TakenOut:
        return purging.take_out(Cursors((cursor,)), finished, QUARTER, "keeper")

    with ThreadPoolExecutor(1) as threads:
        with pool.transaction() as cursor:
            assert take_out(cursor) is TakenOut.DONE
            retried = threads.submit(retry, client, finished)
            # It waits for the row that this transaction has deleted.
            with pytest.raises(TimeoutError):
                retried.result(timeout=0.5)
        assert retried.result(timeout=10) == 404
        change(pool, "DELETE FROM purged_campaigns")
        add_campaign(pool)
        end(pool, CAMPAIGN, "finished", days=91)
        assert retry(client, finished) == 200
        # It runs, and once it has finished again it has not been over for long.
        assert pool.run(take_out) is TakenOut.GONE
        end(pool, CAMPAIGN, "finished", days=0)
        assert pool.run(take_out) is TakenOut.GONE


def test_the_id_of_a_purged_campaign_is_not_used_again(
    client: FlaskClient, pool: Database, csv_root: Path
) -> None:
    (csv_root / "recipients.csv").write_text("Ann,13961467500\nBo,13961467501\n")
    assert create(client).status_code == 200
    end(pool, 1000000000, "cancelled", days=91)
    purge(pool)
    repeated = create(client)
    assert (repeated.status_code, repeated.get_json()["code"]) == (200, 0)
    changed = create(client, message_template="bye {name}")
    assert changed.status_code == 409
    assert "campaign 1000000000 is cancelled" in changed.get_json()["msg"]
    assert rows(pool, "SELECT id FROM campaigns") == []
    assert len(rows(pool, "SELECT id FROM recipient_lists WHERE state = 'ready'")) == 1
    plan = CampaignPlan("again", TextContent("hi"), 1, None, Delivery.AT_LEAST_ONCE, "simulated")
    made = pool.run(lambda cursor: insert_plan(cursor, Identity(1000000000, "m" * 64), plan, None))
    assert made.id == 1000000001


def test_a_request_that_meets_a_purge_waits_for_its_end(
    client: FlaskClient, pool: Database, csv_root: Path
) -> None:
    (csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    assert create(client).status_code == 200
    end(pool, 1000000000, "finished", days=91)
    with pool.reading() as cursor:
        stored = read_request(cursor, 1000000000)
    with ThreadPoolExecutor(1) as threads:
        with pool.transaction() as cursor:
            assert (
                purging.take_out(Cursors((cursor,)), 1000000000, QUARTER, "keeper") is TakenOut.DONE
            )
            met = threads.submit(pool.run, lambda cursor: lock_request(cursor, 1000000000))
            with pytest.raises(TimeoutError):
                met.result(timeout=0.5)
        assert met.result(timeout=10) == stored
    plan = CampaignPlan("b", TextContent("hi"), 1, None, Delivery.AT_LEAST_ONCE, "simulated")

    def insert(cursor: Cursor) -> bool:
        return insert_numbered(cursor, 1000000000, "d" * 64, plan, datetime.now(UTC), None)

    assert not pool.run(insert)
    assert rows(pool, "SELECT id FROM campaigns") == []
