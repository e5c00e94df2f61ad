"""receipt_looks, and the receipts that did not come in the time of their provider.

They are stored, and not derived when they are read. A number derived for the progress of a
campaign would need all of its ledger at every request, since nothing orders it by time. One row is
written for each message without a final receipt, once, and none at all where every receipt comes.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
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


class TakenLook(NamedTuple):
    """A campaign that was taken to be looked at, and the time at which others may take it."""

    campaign_id: CampaignId
    until: datetime


SECOND = 1_000_000
"""Microseconds."""

# The first time right after the start, which is seconds ago; later, that of messages sent again.
ENROLL_RUNNING = """
INSERT INTO receipt_looks (campaign_id, look_at)
SELECT c.id, IF(l.campaign_id IS NULL,
                GREATEST(c.started_at + INTERVAL {after} MICROSECOND, NOW(6)),
                NOW(6) + INTERVAL {after} MICROSECOND)
FROM campaigns c LEFT JOIN receipt_looks l ON l.campaign_id = c.id
WHERE c.state IN ('running', 'paused') AND c.started_at IS NOT NULL AND c.provider IN %s
  AND (l.campaign_id IS NULL
       OR c.retried_at > NOW(6) - INTERVAL 1 MINUTE
          AND l.look_at > NOW(6) + INTERVAL {after} MICROSECOND)
"""

ENROLL = """
INSERT INTO receipt_looks (campaign_id, look_at)
SELECT c.id, NOW(6) + INTERVAL {after} MICROSECOND FROM campaigns c
WHERE c.id IN %s AND c.provider IN %s
"""

# Earlier in any case, by a microsecond at least: a look that is under way may not have seen the
# messages on account of which this is called, and learns here that it is not the last one.
OR_EARLIER = """
ON DUPLICATE KEY UPDATE
  receipt_looks.look_at =
    LEAST(receipt_looks.look_at - INTERVAL 1 MICROSECOND, VALUES(look_at))
"""

SELECT_DUE = """
SELECT campaign_id FROM receipt_looks WHERE look_at <= NOW(6)
ORDER BY look_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""

SELECT_MOMENT = "SELECT NOW(6) + INTERVAL %s MICROSECOND"

LOOK_AT = "UPDATE receipt_looks SET look_at = %s WHERE campaign_id = %s"

LOOK_AT_IF_TAKEN = f"{LOOK_AT} AND look_at = %s"

FORGET = "DELETE FROM receipt_looks WHERE campaign_id = %s AND look_at = %s"

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


def enroll_running(cursor: Cursor, after: Mapping[str, float]) -> None:
    """Have the campaigns that run looked at so many seconds after their start.

    `after`: by the provider or route that they name; others are not looked at. One that runs again
    after a retry is looked at so many seconds from now, if it would be later.
    """
    if not after:
        return
    by_name, arguments = _after(after)
    statement = ENROLL_RUNNING.format(after=by_name) + OR_EARLIER
    cursor.execute(statement, (*arguments, *arguments, tuple(after), *arguments))


def enroll(cursor: Cursor, ids: Sequence[CampaignId], after: Mapping[str, float]) -> None:
    """Have campaigns looked at so many seconds from now, by the name of provider or route."""
    if ids and after:
        by_name, arguments = _after(after)
        statement = ENROLL.format(after=by_name) + OR_EARLIER
        cursor.execute(statement, (*arguments, tuple(ids), tuple(after)))


def take_look(cursor: Cursor, lease: float) -> TakenLook | None:
    """Take the next campaign to look at, and keep others from it for `lease` seconds."""
    cursor.execute(SELECT_DUE)
    row = cursor.fetchone()
    if row is None:
        return None
    taken = TakenLook(CampaignId(row[0]), _moment(cursor, lease))
    cursor.execute(LOOK_AT, (taken.until, taken.campaign_id))
    return taken


def look_later(cursor: Cursor, taken: TakenLook, seconds: float) -> TakenLook | None:
    """Look at a campaign again after so many seconds.

    None, and no change: it was enrolled again, or another process has taken it over.
    """
    later = TakenLook(taken.campaign_id, _moment(cursor, seconds))
    changed = cursor.execute(LOOK_AT_IF_TAKEN, (later.until, *taken))
    return later if changed else None


def forget_look(cursor: Cursor, taken: TakenLook) -> None:
    """Look at a campaign no more, if it was not enrolled again meanwhile."""
    cursor.execute(FORGET, taken)


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


def _after(after: Mapping[str, float]) -> tuple[str, list[object]]:
    """Return the microseconds after which campaigns are looked at, as SQL with its arguments."""
    cases = " WHEN %s THEN %s" * len(after)
    arguments: list[object] = []
    for name, seconds in after.items():
        arguments += (name, round(seconds * SECOND))
    return f"CASE c.provider{cases} END", arguments


def _moment(cursor: Cursor, seconds: float) -> datetime:
    cursor.execute(SELECT_MOMENT, (round(seconds * SECOND),))
    ((moment,),) = cursor.fetchall()
    return moment  # type: ignore[no-any-return]
