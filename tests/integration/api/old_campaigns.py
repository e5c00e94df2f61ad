"""Campaigns that have been over for long, with rows wherever a campaign can have some."""

import threading
from typing import Any

from flask.testing import FlaskClient

from campaign_admin.maintenance.purge import Purge, Purged, Terms
from campaign_common.database import Database, Databases
from campaign_common.domain.message import Status
from campaign_common.domain.shard import shard_of
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_changes,
    insert_outcomes,
)
from tests.integration.api.conftest import SHARDS
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, phone_of
from tests.integration.api.stored import change, value

DAY = 24 * 3600
QUARTER = 90 * DAY
PEOPLE = 25
TERMS = Terms(QUARTER, "keeper", rows=4)
TABLES = (
    "campaigns",
    "campaign_counters",
    "campaign_events",
    "campaign_samples",
    "kept_samples",
    "late_results",
    "possibly_sent",
    "message_retries_0",
    "message_retries_1",
    "open_receipts",
    "receipt_counters",
    "receipts_0",
    "receipts_1",
    "messages_0",
    "messages_1",
)
ID = {"campaigns": "id"}
RETRY = """
INSERT INTO message_retries_{shard} (campaign_id, seq, due_at, generation, try_number, attempts)
VALUES (%s, %s, NOW(6), 0, 2, 1)
"""
SUSPECT = "INSERT INTO possibly_sent VALUES (%s, %s, 1, 0, 0, NOW(6), NULL, NULL)"
LATE_RESULT = """
INSERT INTO late_results (campaign_id, seq, shard, generation, try_number, status)
VALUES (%s, %s, 0, 0, 1, 1)
"""
RECEIPT = """
INSERT INTO receipts_{shard} (campaign_id, seq, generation, receipt_rank, state)
VALUES (%s, %s, 0, 4, 0)
"""
COUNTED_RECEIPT = "INSERT INTO receipt_counters VALUES (%s, %s, 0, 4, 1)"
OPEN_RECEIPT = "INSERT INTO open_receipts VALUES (0, %s, %s, NOW(6), NOW(6))"
SAMPLE = "INSERT INTO campaign_samples VALUES (%s, NOW(6) + INTERVAL %s SECOND, 1)"
KEPT_SAMPLE = """
INSERT INTO kept_samples VALUES (%s, NOW(6) + INTERVAL %s SECOND, 5, 0, 1, 0, 0, 0, 0, 0, 0)
"""
EVENT = """
INSERT INTO campaign_events (campaign_id, at, actor) VALUES (%s, NOW(6) - INTERVAL 91 DAY, %s)
"""
ROWS = (
    RETRY.format(shard=0),
    RETRY.format(shard=1),
    RECEIPT.format(shard=0),
    RECEIPT.format(shard=1),
    COUNTED_RECEIPT,
    OPEN_RECEIPT,
    SUSPECT,
    LATE_RESULT,
    SAMPLE,
    KEPT_SAMPLE,
    EVENT,
)
"""For each campaign and seq a row."""


def purge(database: Database, terms: Terms = TERMS) -> Purged:
    run = Purge(Databases((database,)), terms, threading.Event(), lambda _: None)
    run.run()
    return run.purged


def end(pool: Database, campaign_id: int, state: str, *, days: float) -> None:
    """Let a campaign have been over for so many days."""
    change(
        pool,
        "UPDATE campaigns SET state = %s, finished_at = NOW(6) - INTERVAL %s SECOND,"
        " scheduled_at = NOW(6) - INTERVAL 1 YEAR WHERE id = %s",
        state,
        days * DAY,
        campaign_id,
    )


def fill(pool: Database, campaign_id: int) -> None:
    """Give a campaign rows wherever a campaign can have some."""
    by_shard: dict[int, list[LedgerRow]] = {0: [], 1: []}
    for seq in range(1, PEOPLE + 1):
        row = LedgerRow(
            campaign_id=campaign_id,
            seq=seq,
            status=Status.SENT,
            generation=0,
            try_number=1,
            attempts=1,
        )
        by_shard[shard_of(phone_of(seq), SHARDS)].append(row)
    with pool.transaction() as cursor:
        for shard, ledger in by_shard.items():
            insert_outcomes(cursor, shard, ledger)
            add_counts(cursor, count_changes(shard, ledger))
        for statement in ROWS:
            cursor.executemany(statement, [(campaign_id, seq) for seq in range(1, 7)])


def left_of(pool: Database, campaign_id: int) -> dict[str, int]:
    """The rows of a campaign by table, where there are any."""
    counted = {
        table: value(
            pool,
            f"SELECT COUNT(*) FROM {table} WHERE {ID.get(table, 'campaign_id')} = %s",
            campaign_id,
        )
        for table in TABLES
    }
    return {table: n for table, n in counted.items() if n}


def make_anew(pool: Database) -> None:
    """Make the tests' campaign again after it was purged."""
    change(pool, "DELETE FROM purged_campaigns")
    add_campaign(pool)
    fill(pool, CAMPAIGN)
    end(pool, CAMPAIGN, "finished", days=91)


def messages_of_person(client: FlaskClient) -> list[Any]:
    answer = client.get(f"/v1/messages?phone={phone_of(1)}")
    assert answer.status_code == 200
    found: list[Any] = answer.get_json()["messages"]
    return found
