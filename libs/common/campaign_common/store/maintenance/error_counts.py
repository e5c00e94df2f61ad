"""Messages of a campaign by status and error code, and its receipts by code: parts of a ledger.

No index orders a ledger by its errors, since every send would pay for it. So a statement counts
ranges of the primary key, and its cost is that of the ranges, however large the campaign is.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.store.messages.message_listing import ListedCampaign

MOST_CODES = 1_000
"""Codes that are read from one server. A gateway may make up a code for each message."""


class CodeCount(NamedTuple):
    """The messages with one code; `last_at` is the newest time of an outcome, or of a receipt.

    The time is UTC, naive. `status` is None for receipts.
    """

    status: Status | None
    code: str | None
    messages: int
    last_at: datetime | None


class CodeCounts(NamedTuple):
    """Messages by code, the most frequent first; `messages` includes those of further codes."""

    codes: list[CodeCount]
    messages: int


# The window sums up the codes beyond the limit, too.
SELECT_CODES = """
SELECT status, code, CAST(SUM(n) AS SIGNED) AS summed, MAX(last_at),
       CAST(SUM(SUM(n)) OVER () AS SIGNED)
FROM ({parts}) counted GROUP BY status, code ORDER BY summed DESC, status, code LIMIT %s
"""

OUTCOMES_OF_SHARD = """
SELECT status, error_code AS code, COUNT(*) AS n, MAX(sent_at) AS last_at
FROM messages_{shard:d} FORCE INDEX (PRIMARY)
WHERE campaign_id = %s AND ({ranges}) AND status IN %s GROUP BY status, error_code
"""

RECEIPTS_OF_SHARD = """
SELECT 0 AS status, code, COUNT(*) AS n, MAX(reported_at) AS last_at
FROM receipts_{shard:d} FORCE INDEX (PRIMARY)
WHERE campaign_id = %s AND ({ranges}) AND receipt_rank = %s AND state = %s GROUP BY code
"""

RANGE = "seq BETWEEN %s AND %s"


def count_outcomes(
    cursors: Cursors, campaign: ListedCampaign, seqs: Sequence[range], statuses: Sequence[Status]
) -> CodeCounts:
    """Count the messages of some statuses in ranges of seqs by status and error code.

    What waited when its campaign was cancelled is cancelled.
    """
    numbers = tuple(int(status) for status in statuses)
    if not numbers:
        return CodeCounts([], 0)
    is_cancelled = campaign.state is CampaignState.CANCELLED

    def status_of(number: int) -> Status:
        is_over = is_cancelled and number == Status.WAITING
        return Status.CANCELLED if is_over else Status(number)

    return _count(cursors, campaign, seqs, OUTCOMES_OF_SHARD, (numbers,), status_of)


def count_undelivered(
    cursors: Cursors, campaign: ListedCampaign, seqs: Sequence[range]
) -> CodeCounts:
    """Count the sent messages in ranges of seqs that did not reach the phone, by code."""
    values = int(ReceiptRank.UNDELIVERED), int(ReceiptState.SENT)
    return _count(cursors, campaign, seqs, RECEIPTS_OF_SHARD, values, lambda _: None)


def _count(
    cursors: Cursors,
    campaign: ListedCampaign,
    seqs: Sequence[range],
    part: str,
    values: Sequence[object],
    status_of: Callable[[int], Status | None],
) -> CodeCounts:
    if campaign.shards is None or not seqs:
        return CodeCounts([], 0)
    ranges = " OR ".join([RANGE] * len(seqs))
    bounds = [bound for each in seqs for bound in (each.start, each.stop - 1)]
    summed: dict[tuple[Status | None, str | None], CodeCount] = {}
    messages = 0
    for cursor, shards in cursors.holding(range(campaign.shards)):
        parts = " UNION ALL ".join(part.format(shard=shard, ranges=ranges) for shard in shards)
        arguments = [campaign.id, *bounds, *values] * len(shards)
        cursor.execute(SELECT_CODES.format(parts=parts), [*arguments, MOST_CODES])
        rows = cursor.fetchall()
        for number, code, n, last_at, _ in rows:
            found = CodeCount(status_of(number), code, int(n), last_at)
            before = summed.get(found[:2])
            summed[found[:2]] = found if before is None else _added(before, found)
        messages += int(rows[0][-1]) if rows else 0
    # No code and an empty one are different.
    by_number = sorted(
        summed.values(),
        key=lambda one: (-one.messages, one.status or 0, one.code is not None, one.code or ""),
    )
    return CodeCounts(by_number, messages)


def _added(one: CodeCount, other: CodeCount) -> CodeCount:
    times = [at for at in (one.last_at, other.last_at) if at is not None]
    return one._replace(messages=one.messages + other.messages, last_at=max(times, default=None))
