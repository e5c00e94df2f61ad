"""messages_N and campaign_counters: the outcomes of messages, written by a shard's owner only."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

import msgspec
from pymysql.converters import escape_string
from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.claim import ClaimedMessage
from campaign_common.domain.content.price import Charge
from campaign_common.domain.message import LedgerEntry, MessageKey, Status
from campaign_common.store.core.costs import CostKey
from campaign_common.store.core.possible_duplicates import RepeatedKey


class LedgerRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One outcome, as it goes into the ledger.

    `replaces` says that the message was waiting for this try, so that its row exists;
    `in_doubt` that a provider may have taken this or an earlier try without saying so. `provider`
    is that of the next try of a message that waits, where one is chosen, and that of the outcome of
    another one; None where the campaign names it, and no route, or the message was never sent.
    """

    campaign_id: CampaignId
    seq: int
    status: Status
    generation: int
    try_number: int
    attempts: int
    provider_message_id: str | None = None
    error_code: str | None = None
    replaces: bool = False
    in_doubt: bool = False
    provider: str | None = None
    cost: Charge | None = None
    """Set where the message was accepted and its provider has a price."""
    repeated_provider: str | None = None
    """Provider that may have taken the message twice: see `possible_duplicates`."""
    left_doubts: tuple[ClaimedMessage, ...] = ()
    """Tries that may have been taken, at providers that the row does not name any more: they are
    noted as possibly sent with it."""

    @classmethod
    def ended(
        cls,
        message: ClaimedMessage,
        entry: LedgerEntry | None,
        status: Status,
        *,
        further_attempts: int = 0,
        error_code: str | None = None,
        in_doubt: bool = False,
    ) -> Self:
        """Return the row of a message that ends without a result, in place of `entry`.

        Its provider is the one that may have taken it, if one may.
        """
        provider = message.provider or (entry.provider if entry else None)
        return cls(
            campaign_id=message.campaign_id,
            seq=message.seq,
            status=status,
            generation=message.generation,
            try_number=message.try_number,
            attempts=(entry.attempts if entry else 0) + further_attempts,
            error_code=error_code,
            replaces=entry is not None,
            in_doubt=in_doubt,
            provider=provider if in_doubt else None,
        )

    @classmethod
    def settled(
        cls,
        key: MessageKey,
        entry: LedgerEntry,
        status: Status,
        provider_message_id: str | None,
        error_code: str | None,
        provider: str | None = None,
        cost: Charge | None = None,
    ) -> Self:
        """Return the row of a late result, in place of the `entry` of the same try."""
        return cls(
            campaign_id=key.campaign_id,
            seq=key.seq,
            status=status,
            generation=entry.generation,
            try_number=entry.try_number,
            attempts=entry.attempts,
            provider_message_id=provider_message_id,
            error_code=error_code,
            replaces=True,
            provider=provider or entry.provider,
            cost=cost,
        )

    @classmethod
    def requeued(cls, key: MessageKey, entry: LedgerEntry) -> Self:
        """Return the row of a new generation: same try, no attempts, no doubt, and no provider."""
        return cls(
            campaign_id=key.campaign_id,
            seq=key.seq,
            status=Status.WAITING,
            generation=entry.generation + 1,
            try_number=entry.try_number,
            attempts=0,
            replaces=True,
        )


class EndedIn(NamedTuple):
    """Outcomes of a campaign: of some statuses, recorded before a time (UTC, naive)."""

    campaign_id: CampaignId
    statuses: Collection[Status]
    error_code: str | None
    """None: whatever the error."""
    before: datetime


INSERT_PREFIX = (
    "INSERT INTO messages_{shard:d} (campaign_id, seq, status, generation, try_number, attempts,"
    " in_doubt, provider_message_id, error_code, provider, sent_at) VALUES "
)

INSERT_VALUES = "(%d,%d,%d,%d,%d,%d,%d,%s,%s,%s,NOW(6))"

REPLACE_WAITING = (
    " ON DUPLICATE KEY UPDATE status = VALUES(status), generation = VALUES(generation),"
    " try_number = VALUES(try_number), attempts = VALUES(attempts),"
    " in_doubt = VALUES(in_doubt), provider_message_id = VALUES(provider_message_id),"
    " error_code = VALUES(error_code), provider = VALUES(provider), sent_at = VALUES(sent_at)"
)

_ENTRY = "campaign_id, seq, status, generation, try_number, attempts, in_doubt, provider"

SELECT_RANGE = (
    "SELECT " + _ENTRY + " FROM messages_{shard:d} WHERE campaign_id = %s AND seq BETWEEN %s AND %s"
)

SELECT_LISTED = "SELECT " + _ENTRY + " FROM messages_{shard:d} WHERE campaign_id = %s AND seq IN %s"

# What is asked of a whole list reads as little of each row as it can.
SENT_RANGE = (
    "SELECT seq FROM messages_{shard:d} WHERE campaign_id = %s AND seq BETWEEN %s AND %s"
    " AND status = {sent:d}"
)

SENT_LISTED = (
    "SELECT seq FROM messages_{shard:d} WHERE campaign_id = %s AND seq IN %s AND status = {sent:d}"
)

ADD_COUNTS = """
INSERT INTO campaign_counters (campaign_id, shard, status, n) VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE n = n + VALUES(n)
"""

# Bounded by a range of the primary key as well as by a number: what matches may be rare.
SELECT_ENDED = (
    "SELECT " + _ENTRY + " FROM messages_{shard:d}"
    " WHERE campaign_id = %s AND seq > %s AND seq <= %s AND status IN %s AND sent_at <= %s"
    " AND (%s IS NULL OR error_code = %s) ORDER BY seq LIMIT %s"
)

DENSE_RANGE = 32
"""A range is read whole while it is at most this many times as wide as what is looked up."""


def insert_outcomes(cursor: Cursor, shard: int, rows: Sequence[LedgerRow]) -> None:
    """Write outcomes into one shard's ledger.

    A row that is there against expectation raises the driver's IntegrityError (1062), so
    that an outcome is never counted without being written.
    """
    fresh = [row for row in rows if not row.replaces]
    if fresh:
        _insert(cursor, shard, fresh, "")
    waiting = [row for row in rows if row.replaces]
    if waiting:
        _insert(cursor, shard, waiting, REPLACE_WAITING)


def look_up(
    cursor: Cursor, wanted: Mapping[tuple[int, CampaignId], Sequence[int]]
) -> dict[MessageKey, LedgerEntry]:
    """Read what the ledger holds of `wanted`: {(shard, campaign_id): seqs}.

    One statement for all shards. A dense set of seqs is read as a range by primary key,
    empty in the normal case; a sparse one (retries) is read by its members.
    """
    parts, arguments = [], list[object]()
    for (shard, campaign_id), seqs in wanted.items():
        first, last = min(seqs), max(seqs)
        if last - first < DENSE_RANGE * len(seqs):
            parts.append(SELECT_RANGE.format(shard=shard))
            arguments += (campaign_id, first, last)
        else:
            parts.append(SELECT_LISTED.format(shard=shard))
            arguments += (campaign_id, tuple(seqs))
    if not parts:
        return {}
    cursor.execute(" UNION ALL ".join(parts), arguments)
    return _entries(cursor)


def look_up_sent(
    cursor: Cursor, campaign_id: CampaignId, wanted: Mapping[int, Sequence[int]]
) -> set[int]:
    """Find out which of `wanted`, {shard: seqs}, were sent; others of a range may be among them."""
    parts, arguments = [], list[object]()
    for shard, seqs in wanted.items():
        first, last = min(seqs), max(seqs)
        if last - first < DENSE_RANGE * len(seqs):
            parts.append(SENT_RANGE.format(shard=shard, sent=Status.SENT))
            arguments += (campaign_id, first, last)
        else:
            parts.append(SENT_LISTED.format(shard=shard, sent=Status.SENT))
            arguments += (campaign_id, tuple(seqs))
    if not parts:
        return set()
    cursor.execute(" UNION ALL ".join(parts), arguments)
    return {seq for (seq,) in cursor.fetchall()}


def ended_in(
    cursor: Cursor, shard: int, ended: EndedIn, seqs: range, limit: int
) -> dict[MessageKey, LedgerEntry]:
    """Read up to `limit` outcomes that `ended` describes, in the order of their seqs."""
    cursor.execute(
        SELECT_ENDED.format(shard=shard),
        (
            ended.campaign_id,
            seqs.start - 1,
            seqs.stop - 1,
            tuple(int(status) for status in ended.statuses),
            ended.before,
            ended.error_code,
            ended.error_code,
            limit,
        ),
    )
    return _entries(cursor)


def add_counts(cursor: Cursor, changes: Mapping[tuple[CampaignId, int, Status], int]) -> None:
    """Add to campaign_counters: {(campaign_id, shard, status): how many more}."""
    rows = [(*key, n) for key, n in sorted(changes.items()) if n]
    if rows:
        cursor.executemany(ADD_COUNTS, rows)


def repeated_sends(shard: int, rows: Iterable[LedgerRow]) -> Counter[RepeatedKey]:
    """Count the sends among `rows` that were repeated after a doubt."""
    return Counter(
        (row.campaign_id, shard, row.repeated_provider)
        for row in rows
        if row.repeated_provider is not None
    )


def costs_of(shard: int, rows: Iterable[LedgerRow]) -> dict[CostKey, Charge]:
    """Add up what `rows` have cost."""
    costs: dict[CostKey, Charge] = {}
    for row in rows:
        cost = row.cost
        if cost is not None:
            key = row.campaign_id, shard, cost.currency
            before = costs.get(key)
            costs[key] = cost if before is None else before.plus(cost)
    return costs


def count_changes(shard: int, rows: Sequence[LedgerRow]) -> Counter[tuple[CampaignId, int, Status]]:
    """Compute what writing `rows` into `shard` does to the counters."""
    changes = Counter([(row.campaign_id, shard, row.status) for row in rows])
    for row in rows:
        if row.replaces:
            changes[row.campaign_id, shard, Status.WAITING] -= 1
    return changes


def count_rewrites(
    shard: int, rows: Iterable[LedgerRow], before: Mapping[MessageKey, LedgerEntry]
) -> Counter[tuple[CampaignId, int, Status]]:
    """Compute what writing `rows` over the outcomes `before` does to the counters."""
    changes: Counter[tuple[CampaignId, int, Status]] = Counter()
    for row in rows:
        changes[row.campaign_id, shard, row.status] += 1
        entry = before.get(MessageKey(row.campaign_id, row.seq))
        if entry is not None:
            changes[row.campaign_id, shard, Status(entry.status)] -= 1
    return changes


def _entries(cursor: Cursor) -> dict[MessageKey, LedgerEntry]:
    return {
        MessageKey(campaign_id, seq): LedgerEntry(*entry)
        for campaign_id, seq, *entry in cursor.fetchall()
    }


def _insert(cursor: Cursor, shard: int, rows: Sequence[LedgerRow], suffix: str) -> None:
    # Put together here in one step a row, which is many times cheaper than binding each value:
    # numbers as integers, strings escaped by backslashes, which every session has switched on
    # (`database.session.SQL_MODE`).
    values = [
        INSERT_VALUES
        % (
            row.campaign_id,
            row.seq,
            row.status,
            row.generation,
            row.try_number,
            row.attempts,
            row.in_doubt,
            "NULL" if (text := row.provider_message_id) is None else f"'{escape_string(text)}'",
            "NULL" if (text := row.error_code) is None else f"'{escape_string(text)}'",
            "NULL" if (text := row.provider) is None else f"'{escape_string(text)}'",
        )
        for row in rows
    ]
    cursor.execute(INSERT_PREFIX.format(shard=shard) + ",".join(values) + suffix)
