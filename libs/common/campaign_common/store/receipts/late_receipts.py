"""receipt_looks, and the receipts that did not come in the time of their provider.

They are stored, and not derived when they are read. A number derived for the progress of a
campaign would need all of its ledger at every request, since nothing orders it by time. One row is
written for each message without a final receipt, once, and none at all where every receipt comes.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey, Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState, without_receipt
from campaign_common.store.core.receipt_counters import (
    ReceiptKey,
    add_receipt_counts,
    count_change,
)
from campaign_common.store.messages.ledger import look_up
from campaign_common.store.receipts.receipt_rows import (
    ReceiptPlace,
    Receipts,
    lock_receipts,
    write_receipts,
)


class LookedAtCampaign(NamedTuple):
    """A started campaign whose receipts are looked at."""

    id: CampaignId
    provider: str
    shards: int
    last_seq: int
    is_ended: bool
    ended_for: float
    """Seconds since its end; 0 while it runs."""


class AwaitedReceipt(NamedTuple):
    """A sent message without a final receipt."""

    seq: int
    provider: str | None
    """None: the one that the campaign names."""
    age: float
    """Seconds since it was recorded as sent."""


SECOND = 1_000_000
"""Microseconds."""

# The first time right after the start, which is seconds ago; later, that of messages sent again.
ENROLL_RUNNING = """
INSERT IGNORE INTO receipt_looks (campaign_id, look_at)
SELECT c.id, GREATEST(c.started_at + INTERVAL %s MICROSECOND, NOW(6)) FROM campaigns c
LEFT JOIN receipt_looks l ON l.campaign_id = c.id
WHERE c.state IN ('running', 'paused') AND c.started_at IS NOT NULL AND c.provider IN %s
  AND l.campaign_id IS NULL
"""

ENROLL_FINISHED = """
INSERT IGNORE INTO receipt_looks (campaign_id, look_at)
SELECT id, NOW(6) + INTERVAL %s MICROSECOND FROM campaigns WHERE id IN %s AND provider IN %s
"""

SELECT_DUE = """
SELECT campaign_id FROM receipt_looks WHERE look_at <= NOW(6)
ORDER BY look_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""

LOOK_LATER = """
UPDATE receipt_looks SET look_at = NOW(6) + INTERVAL %s MICROSECOND WHERE campaign_id = %s
"""

FORGET = "DELETE FROM receipt_looks WHERE campaign_id = %s"

SELECT_CAMPAIGN = """
SELECT id, provider, shards, last_seq, state NOT IN ('running', 'paused'),
       COALESCE(TIMESTAMPDIFF(MICROSECOND, finished_at, NOW(6)), 0) / 1000000
FROM campaigns WHERE id = %s AND shards > 0
"""

SELECT_AWAITED = f"""
SELECT m.seq, m.provider, TIMESTAMPDIFF(MICROSECOND, m.sent_at, NOW(6)) / 1000000
FROM messages_{{shard:d}} m
LEFT JOIN receipts_{{shard:d}} r ON r.campaign_id = m.campaign_id AND r.seq = m.seq
WHERE m.campaign_id = %s AND m.seq BETWEEN %s AND %s AND m.status = {Status.SENT:d}
  AND (r.seq IS NULL OR r.generation < m.generation
       OR (r.receipt_rank < {ReceiptRank.UNDELIVERED:d} AND r.state <> {ReceiptState.NO_RECEIPT:d}))
"""


def enroll_running(cursor: Cursor, providers: Collection[str], after: float) -> None:
    """Have the campaigns that run, and name one of `providers`, looked at `after` their start."""
    cursor.execute(ENROLL_RUNNING, (round(after * SECOND), tuple(providers)))


def enroll_finished(
    cursor: Cursor, ids: Sequence[CampaignId], providers: Collection[str], after: float
) -> None:
    """Have finished campaigns, those that name one of `providers`, looked at `after` seconds."""
    if ids and providers:
        cursor.execute(ENROLL_FINISHED, (round(after * SECOND), tuple(ids), tuple(providers)))


def take_look(cursor: Cursor, lease: float) -> CampaignId | None:
    """Return the next campaign to look at, and keep others from it for `lease` seconds."""
    cursor.execute(SELECT_DUE)
    row = cursor.fetchone()
    if row is None:
        return None
    look_later(cursor, row[0], lease)
    return CampaignId(row[0])


def look_later(cursor: Cursor, campaign_id: CampaignId, seconds: float) -> None:
    """Look at a campaign again after so many seconds, and not before."""
    cursor.execute(LOOK_LATER, (round(seconds * SECOND), campaign_id))


def forget_look(cursor: Cursor, campaign_id: CampaignId) -> None:
    """Look at a campaign no more."""
    cursor.execute(FORGET, (campaign_id,))


def read_looked_at(cursor: Cursor, campaign_id: CampaignId) -> LookedAtCampaign | None:
    """Read a campaign; None: it was purged."""
    cursor.execute(SELECT_CAMPAIGN, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    id_, provider, shards, last_seq, is_ended, ended_for = row
    return LookedAtCampaign(
        id_, provider, int(shards), int(last_seq or 0), bool(is_ended), float(ended_for)
    )


def awaited_receipts(
    cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: range
) -> list[AwaitedReceipt]:
    """Read the sent messages without a final receipt, of a range of seqs."""
    bounds = seqs.start, seqs.stop - 1
    cursor.execute(SELECT_AWAITED.format(shard=shard), (campaign_id, *bounds))
    return [AwaitedReceipt(seq, provider, float(age)) for seq, provider, age in cursor.fetchall()]


def note_late(
    cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: Collection[int], named: str
) -> int:
    """Note that the receipts of some messages did not come in time; return of how many.

    `named`: the provider that the campaign names. A report that has come meanwhile counts.
    """
    places = [ReceiptPlace(shard, campaign_id, seq) for seq in sorted(seqs)]
    of_campaigns = {campaign_id: named}
    before = lock_receipts(cursor, places, of_campaigns)
    entries = look_up(cursor, {(shard, campaign_id): [place.seq for place in places]})
    after: Receipts = {}
    changes: Counter[ReceiptKey] = Counter()
    for place in places:
        entry = entries.get(MessageKey(campaign_id, place.seq))
        found = before.get(place)
        late = None if entry is None else without_receipt(found, entry, named)
        if late is not None:
            after[place] = late
            count_change(changes, campaign_id, shard, found, late)
    write_receipts(cursor, before, after, of_campaigns)
    add_receipt_counts(cursor, changes)
    return len(after)
