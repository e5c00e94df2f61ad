"""Everything one person was sent: from the number to lists, to campaigns, to ledger rows.

Every step goes by an index, so that its time depends on how often somebody was written to, and
not on how many messages there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.message import MessageKey
from campaign_common.domain.shard import shard_of
from campaign_common.store.core.campaigns import which_are_present
from campaign_common.store.messages.message_listing import (
    JOIN_RECEIPT,
    OUTCOME_COLUMNS,
    RecordedOutcome,
    recorded_outcome,
)


class HistoryEntry(NamedTuple):
    """The message of a started campaign for a person, its recipient `seq`; times are UTC, naive."""

    campaign_id: CampaignId
    campaign_name: str
    provider: str
    """The one that the campaign names, or a route."""
    state: CampaignState
    shards: int
    started_at: datetime
    seq: int
    outcome: RecordedOutcome | None


ADDRESSED_COLUMNS = "SELECT c.id, c.name, c.provider, c.state, c.shards, c.started_at, p.seq"

# Joined in this order: the number is what is rare.
ADDRESSED_TABLES = """
FROM recipients p
STRAIGHT_JOIN recipient_lists l ON l.id = p.list_id AND l.state = 'ready'
STRAIGHT_JOIN campaigns c ON c.list_id = p.list_id AND c.last_seq >= p.seq
"""

YOUNGEST_FIRST = """
WHERE p.phone = %s AND c.started_at <= %s AND (c.started_at < %s OR c.id < %s)
ORDER BY c.started_at DESC, c.id DESC LIMIT %s
"""

SELECT_ADDRESSED = f"""
{ADDRESSED_COLUMNS}, {", ".join(["NULL"] * 10)}
{ADDRESSED_TABLES} {YOUNGEST_FIRST}
"""

SELECT_MESSAGES = f"""
{ADDRESSED_COLUMNS}, {OUTCOME_COLUMNS}
{ADDRESSED_TABLES}
LEFT JOIN messages_{{shard:d}} m
  ON m.campaign_id = c.id AND m.seq = p.seq AND c.shards = {{shards:d}}
{JOIN_RECEIPT}
{YOUNGEST_FIRST}
"""

SELECT_OUTCOMES = (
    f"SELECT m.campaign_id, m.seq, {OUTCOME_COLUMNS} FROM messages_{{shard:d}} m {JOIN_RECEIPT}"
    " WHERE {messages}"
)

NAMED_MESSAGE = "(m.campaign_id = {:d} AND m.seq = {:d})"


def messages_of(
    cursors: Cursors, phone: str, shards: int, before: tuple[datetime, CampaignId], limit: int
) -> list[HistoryEntry]:
    """Read what started campaigns have for a person, the youngest first.

    One statement reads all of it for campaigns of `shards` shards, which as a rule are all there
    are. `before`: start and id of the campaign after which to go on.
    """
    shard = shard_of(phone, shards)
    joined = cursors.of_shard(shard) is cursors.main
    statement = SELECT_MESSAGES.format(shard=shard, shards=shards) if joined else SELECT_ADDRESSED
    started_at, campaign_id = before
    cursors.main.execute(statement, (phone, started_at, started_at, campaign_id, limit))
    found = [_message(row) for row in cursors.main.fetchall()]
    others = [one for one in found if not joined or one.shards != shards]
    if not others:
        return found
    outcomes = _outcomes_of(cursors, phone, others)
    other_ids = {one.campaign_id for one in others}
    if which_are_present(cursors.main, other_ids) < other_ids:
        # Of a campaign that was purged meanwhile an outcome may be missing: found it is no more.
        return messages_of(cursors, phone, shards, before, limit)
    return [
        one._replace(outcome=outcomes.get(MessageKey(one.campaign_id, one.seq), one.outcome))
        for one in found
    ]


def _message(row: Sequence[Any]) -> HistoryEntry:
    campaign_id, name, provider, state, shards, started_at, seq, status, *others = row
    outcome = None if status is None else recorded_outcome(status, *others)
    return HistoryEntry(
        campaign_id, name, provider, CampaignState(state), shards, started_at, seq, outcome
    )


def _outcomes_of(
    cursors: Cursors, phone: str, messages: Iterable[HistoryEntry]
) -> dict[MessageKey, RecordedOutcome]:
    """Read by primary key what the ledger holds of a person's messages."""
    by_shard: dict[int, list[str]] = defaultdict(list)
    for one in messages:
        named = NAMED_MESSAGE.format(one.campaign_id, one.seq)
        by_shard[shard_of(phone, one.shards)].append(named)
    outcomes: dict[MessageKey, RecordedOutcome] = {}
    for cursor, shards in cursors.holding(by_shard):
        cursor.execute(
            " UNION ALL ".join(
                SELECT_OUTCOMES.format(shard=shard, messages=" OR ".join(by_shard[shard]))
                for shard in shards
            )
        )
        for campaign_id, seq, *columns in cursor.fetchall():
            outcomes[MessageKey(campaign_id, seq)] = recorded_outcome(*columns)
    return outcomes
