"""A database that comes from a backup: is it whole, and does nothing of it go on by itself?"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from flask.testing import FlaskClient

from campaign_admin.maintenance.consistency import disagreements
from campaign_admin.maintenance.spent_budgets import charge_spent
from campaign_common.database import Database, Databases
from campaign_common.domain.message import Status
from campaign_common.store.maintenance.consistency import named_campaigns, started_campaigns
from campaign_common.store.maintenance.restore_hold import EPOCH_STEP, disown_shards, hold_campaigns
from tests.integration.api.messages_seed import CAMPAIGN, LIST, add_campaign, add_list, record
from tests.integration.api.stored import change, rows, value

PEOPLE = 10
OF_LIST = f"list_id = {LIST}"
SENT = range(1, 9)

Change = Callable[[Databases], object]


@pytest.fixture
def databases(pool: Database) -> Databases:
    return Databases((pool,))


@pytest.fixture
def campaign(databases: Databases) -> int:
    """A finished campaign: eight messages sent, two failed."""
    pool = databases.main
    add_list(pool, range(1, PEOPLE + 1))
    add_campaign(pool, state="finished")
    record(pool, dict.fromkeys(SENT, Status.SENT) | dict.fromkeys((9, 10), Status.FAILED))
    return CAMPAIGN


def said(databases: Databases) -> list[str]:
    with databases.main.reading() as cursor:
        (started,) = started_campaigns(cursor, after_id=0, limit=10)
        assert named_campaigns(cursor, [started.id, 77]) == [started]
    return list(disagreements(databases, started))


def changing(sql: str) -> Change:
    return lambda databases: change(databases.main, sql)


def test_a_consistent_campaign_agrees_with_itself(databases: Databases, campaign: int) -> None:
    assert said(databases) == []
    change(databases.main, "UPDATE recipient_lists SET state = 'emptied'")
    change(databases.main, "DELETE FROM recipients")
    assert said(databases) == []


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (
            changing("DELETE FROM messages_0 WHERE status = 1"),
            ["the counters say", "it is finished"],
        ),
        (changing("UPDATE campaign_counters SET n = n + 1"), ["the ledger has", "the ledger has"]),
        (changing("UPDATE messages_0 SET status = 3"), ["the ledger has", "wait, and 0 have"]),
        (
            changing(
                "INSERT INTO message_retries_1 (campaign_id, seq, due_at, generation, try_number,"
                f" attempts) VALUES ({CAMPAIGN}, 5, NOW(6), 0, 2, 1)"
            ),
            ["0 messages wait, and 1 have a retry"],
        ),
        (
            changing(f"DELETE FROM recipients WHERE list_id = {LIST} AND seq = 3"),
            ["its list has 9"],
        ),
        (
            changing("UPDATE campaigns SET total = 9"),
            ["its list has 10", "10 messages are recorded"],
        ),
        (changing("UPDATE campaigns SET published_count = 11"), ["11 are counted as published"]),
    ],
)
def test_what_does_not_agree_is_told(
    databases: Databases, campaign: int, break_it: Change, words: list[str]
) -> None:
    break_it(databases)
    told = said(databases)
    assert all(any(word in line for line in told) for word in words), told


STATES = {
    10: ("draft", "draft", 1),
    11: ("scheduled", "draft", 1),
    12: ("running", "paused", 1),
    13: ("paused", "paused", 1),
    14: ("finished", "finished", 1),
    15: ("cancelled", "cancelled", 0),
    16: ("failed", "failed", 0),
}
"""By campaign: its state before and after, and by how many steps its epoch rises."""


def hold(databases: Databases) -> list[int]:
    held, after_id = [], 0
    while after_id is not None:
        page, after_id = databases.main.run(
            partial(hold_campaigns, actor="keeper", after_id=after_id, limit=3)
        )
        held += [campaign.id for campaign in page]
    return held


def test_nothing_goes_on_by_itself(client: FlaskClient, databases: Databases) -> None:
    pool = databases.main
    add_list(pool, range(1, PEOPLE + 1))
    for campaign_id, (before, _, _) in STATES.items():
        add_campaign(pool, campaign_id, state=before)
    change(pool, "UPDATE campaigns SET scheduled_at = NOW(6), published_seq = 5, epoch = 7")
    assert hold(databases) == [11, 12]
    assert rows(pool, "SELECT id, state, epoch FROM campaigns ORDER BY id") == [
        (campaign_id, after, 7 + steps * EPOCH_STEP)
        for campaign_id, (_, after, steps) in STATES.items()
    ]
    # A resume publishes what the ledger lacks, from the first recipient on.
    assert rows(pool, "SELECT id FROM campaigns WHERE published_seq = 0") == [(12,), (13,)]
    assert value(pool, "SELECT scheduled_at FROM campaigns WHERE id = 11") is None
    assert rows(
        pool,
        "SELECT campaign_id, actor, from_state, to_state, reason FROM campaign_events ORDER BY id",
    ) == [
        (11, "keeper", "scheduled", "draft", "the database was restored from a backup"),
        (12, "keeper", "running", "paused", "the database was restored from a backup"),
    ]
    events = client.get("/v1/campaigns/11/events").get_json()["events"]
    assert [event["type"] for event in events] == ["unscheduled"]
    assert hold(databases) == []
    assert client.post("/v1/campaigns/12/resume", json={}).status_code == 200
    assert client.post("/v1/campaigns/11/start", json={}).status_code == 200


def test_nobody_owns_a_shard_and_what_is_claimed_stays(databases: Databases) -> None:
    pool = databases.main
    change(
        pool,
        "UPDATE shard_claims SET epoch = 4, owner_token = REPEAT('x', 16), owner_name = 'a',"
        " claimed = 'claims', recorded_offset = 9",
    )
    pool.run(disown_shards)
    assert (
        rows(
            pool,
            "SELECT epoch, owner_token = REPEAT('\\0', 16), owner_name, claimed, recorded_offset"
            " FROM shard_claims",
        )
        == [(5, 1, "", b"claims", 9)] * 2
    )
    change(pool, "UPDATE shard_claims SET epoch = 0, claimed = '', recorded_offset = -1")


def test_at_least_what_was_spent_is_taken_of_a_budget(databases: Databases) -> None:
    """Amount of the restored row, or that of the ledgers in its currency."""
    for campaign_id, taken in ((21, 3), (22, 1), (23, 0)):
        change(
            databases.main,
            f"INSERT INTO campaign_budgets VALUES ({campaign_id}, 'EUR', 9, {taken})",
        )
    for campaign_id, shard, currency in (
        (21, 0, "EUR"),
        (22, 0, "EUR"),
        (22, 1, "EUR"),
        (23, 0, "USD"),
    ):
        change(
            databases.main,
            "INSERT INTO campaign_costs (campaign_id, shard, currency, segments, amount)"
            f" VALUES ({campaign_id}, {shard}, '{currency}', 1, 1.25)",
        )
    charge_spent(databases)
    with databases.main.reading() as cursor:
        cursor.execute("SELECT taken FROM campaign_budgets ORDER BY campaign_id")
        assert [taken for (taken,) in cursor.fetchall()] == [3, Decimal("2.5"), 0]
