"""bounced_receipts: messages whose receipts are hard bounces, until their people are looked at.

A row says that there is something to look at, and counts nothing.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.receipts.receipt_rows import ReceiptPlace


class TakenBounces(NamedTuple):
    """Messages that were taken, and the time at which others may take them."""

    places: list[ReceiptPlace]
    until: datetime | None


# A row that is there is looked at once more: the look that is under way may not see this report.
LIST = "INSERT INTO bounced_receipts (shard, campaign_id, seq, look_at) VALUES "

AGAIN = " ON DUPLICATE KEY UPDATE look_at = VALUES(look_at)"

# Most messages are recorded by then, also those whose receipt is there first.
VALUES = "(%d,%d,%d,NOW(6) + INTERVAL 2 SECOND)"

SELECT_DUE = """
SELECT shard, campaign_id, seq FROM bounced_receipts WHERE look_at <= NOW(6)
ORDER BY look_at LIMIT %s FOR UPDATE SKIP LOCKED
"""

SELECT_UNTIL = "SELECT NOW(6) + INTERVAL %s SECOND"

LOOK_AT = "UPDATE bounced_receipts SET look_at = %s WHERE (shard, campaign_id, seq) IN %s"

LOOK_LATER = (
    "UPDATE bounced_receipts SET look_at = NOW(6) + INTERVAL %s SECOND"
    " WHERE look_at = %s AND (shard, campaign_id, seq) IN %s"
)

FORGET = "DELETE FROM bounced_receipts WHERE look_at = %s AND (shard, campaign_id, seq) IN %s"


def list_bounces(cursor: Cursor, places: Iterable[ReceiptPlace]) -> None:
    """List messages whose receipts are hard bounces; part of the transaction that stores these."""
    values = ",".join(VALUES % place for place in sorted(places))
    if values:
        cursor.execute(LIST + values + AGAIN)


def take_bounces(cursor: Cursor, limit: int, lease: float) -> TakenBounces:
    """Take up to `limit` messages that are due, and keep others from them for `lease` seconds."""
    cursor.execute(SELECT_DUE, (limit,))
    places = [ReceiptPlace(*row) for row in cursor.fetchall()]
    if not places:
        return TakenBounces([], None)
    cursor.execute(SELECT_UNTIL, (lease,))
    ((until,),) = cursor.fetchall()
    cursor.execute(LOOK_AT, (until, _keys(places)))
    return TakenBounces(places, until)


def forget_bounces(cursor: Cursor, taken: TakenBounces, places: Collection[ReceiptPlace]) -> None:
    """Delete those of the taken messages that were looked at, and not listed again meanwhile."""
    if places:
        cursor.execute(FORGET, (taken.until, _keys(places)))


def look_later(
    cursor: Cursor, taken: TakenBounces, places: Collection[ReceiptPlace], seconds: float
) -> None:
    """Look again after so many seconds at those that were taken, and not listed again meanwhile."""
    if places:
        cursor.execute(LOOK_LATER, (seconds, taken.until, _keys(places)))


def _keys(places: Collection[ReceiptPlace]) -> tuple[tuple[int, ...], ...]:
    """Return keys as the driver writes them; it does so for tuples themselves alone."""
    return tuple(tuple(place) for place in places)
