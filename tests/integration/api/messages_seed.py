"""Lists, campaigns and outcomes as imports, schedulers and senders leave them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from campaign_common.database import Database
from campaign_common.domain.message import Status
from campaign_common.domain.shard import shard_of
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_changes,
    insert_outcomes,
)
from tests.integration.api.conftest import SHARDS

LIST = 7
CAMPAIGN = 5

INSERT_LIST = """
INSERT INTO recipient_lists (id, name, state, sha256, attribute_columns, accepted, last_seq,
                             created_at, progressed_at)
VALUES (%s, 'people', 'ready', REPEAT('a', 64), '["city"]', %s, %s, NOW(6), NOW(6))
"""

INSERT_RECIPIENT = """
INSERT INTO recipients (list_id, seq, phone, name, attributes) VALUES (%s, %s, %s, %s, %s)
"""

INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, epoch, shards,
                       last_seq, total, published_count, created_at, started_at)
VALUES (%s, %s, 'hi {name} from {city|here}', %s, 'at_least_once', 'simulated', %s, 1, %s, %s,
        %s, %s, NOW(6), NOW(6) - INTERVAL %s SECOND)
"""


def phone_of(seq: int) -> str:
    return str(13900000000 + seq)


def add_list(database: Database, seqs: Iterable[int], list_id: int = LIST) -> None:
    """Add a ready list of recipients with these numbers; there may be gaps."""
    seqs = list(seqs)
    people = [
        (list_id, seq, phone_of(seq), f"user{seq}", json.dumps({"city": "Ulm"})) for seq in seqs
    ]
    with database.transaction() as cursor:
        cursor.execute(INSERT_LIST, (list_id, len(seqs), max(seqs)))
        cursor.executemany(INSERT_RECIPIENT, people)


def add_campaign(
    database: Database,
    campaign_id: int = CAMPAIGN,
    *,
    state: str = "running",
    list_id: int = LIST,
    shards: int | None = SHARDS,
    started_ago: int = 10,
) -> None:
    """Add a campaign to a list; with `shards` None it was not started."""
    with database.transaction() as cursor:
        cursor.execute("SELECT accepted, last_seq FROM recipient_lists WHERE id = %s", (list_id,))
        ((accepted, last_seq),) = cursor.fetchall()
        extent = (last_seq, accepted) if shards else (None, None)
        cursor.execute(
            INSERT_CAMPAIGN,
            (
                campaign_id,
                f"game{campaign_id}",
                list_id,
                state,
                shards,
                *extent,
                accepted if shards else 0,
                started_ago if shards else None,
            ),
        )


def record(
    database: Database,
    statuses: Mapping[int, Status],
    campaign_id: int = CAMPAIGN,
    *,
    shards: int = SHARDS,
    error_code: str | None = None,
) -> None:
    """Record outcomes, as the owners of the shards do."""
    for seq, status in statuses.items():
        shard = shard_of(phone_of(seq), shards)
        row = LedgerRow(
            campaign_id=campaign_id,
            seq=seq,
            status=status,
            generation=0,
            try_number=1,
            attempts=1,
            provider_message_id=f"id-{seq}",
            error_code=error_code,
        )
        with database.transaction() as cursor:
            insert_outcomes(cursor, shard, [row])
            add_counts(cursor, count_changes(shard, [row]))


def seqs_of(answer: Any) -> list[int]:  # noqa: ANN401 - any JSON
    return [message["seq"] for message in answer["messages"]]
