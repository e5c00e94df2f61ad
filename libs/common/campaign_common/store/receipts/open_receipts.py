"""open_receipts: receipts whose message the ledger does not show as sent, and when to look again.

Most are early, and close when the ledger has the message. The others are named to the owner of
their shard, who alone may write what they prove.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import LedgerEntry, MessageKey, Status
from campaign_common.domain.receipts.stored_receipt import StoredReceipt, look_again
from campaign_common.store.core.receipt_counters import (
    ReceiptKey,
    add_receipt_counts,
    count_change,
)
from campaign_common.store.messages.ledger import look_up
from campaign_common.store.receipts.receipt_rows import (
    ReceiptPlace,
    Receipts,
    forget_open,
    lock_receipts,
    read_receipts,
    write_receipts,
)
from campaign_common.store.shards.shard_commands import request_receipts


class Look(NamedTuple):
    """The numbers of a look at open receipts."""

    closed: int
    """Receipts that are not listed as open any more."""
    named: int
    """Receipts that were named to the owners of their shards."""


SELECT_DUE = """
SELECT shard, campaign_id, seq FROM open_receipts
WHERE look_at <= NOW(6) ORDER BY look_at LIMIT %s
"""

# After twice the time that it has been open, and within ten seconds.
LOOK_LATER = """
UPDATE open_receipts
SET look_at = NOW(6) + INTERVAL
  LEAST(GREATEST(TIMESTAMPDIFF(MICROSECOND, since, NOW(6)), 500000), %s) MICROSECOND
WHERE shard = %s AND campaign_id = %s AND seq IN %s
"""

LONGEST_LOOK_WAIT = 10_000_000
"""Microseconds between two looks at a receipt."""

WAIT_OF_UNLIKELY = 600_000_000
"""Microseconds between two looks at one that hardly proves anything."""

SHORT_WAIT = 500_000
"""Microseconds until the next look at what could not be named, as its shard has a command."""


def due_receipts(cursor: Cursor, limit: int) -> list[ReceiptPlace]:
    """Read which open receipts are to be looked at, on one server."""
    cursor.execute(SELECT_DUE, (limit,))
    return [ReceiptPlace(*row) for row in cursor.fetchall()]


def look_at_receipts(
    cursor: Cursor, due: Collection[ReceiptPlace], named: Mapping[CampaignId, str]
) -> Look:
    """Close what the ledger says is sent by now, and name the others to their owners.

    What another process works on is left to it, and what has no receipt any more is not listed
    any more: the oldest come first, and would be all that is ever looked at. `named`: providers
    that the campaigns name, without those of campaigns that are gone.
    """
    before = lock_receipts(cursor, due, named, skip_locked=True)
    wanted: dict[tuple[int, CampaignId], list[int]] = {}
    for place in before:
        wanted.setdefault((place.shard, place.campaign_id), []).append(place.seq)
    entries = look_up(cursor, wanted)
    after: Receipts = {}
    left: list[ReceiptPlace] = []
    gone: list[ReceiptPlace] = []
    changes: Counter[ReceiptKey] = Counter()
    for place, receipt in before.items():
        if place.campaign_id not in named or not receipt.is_open:
            gone.append(place)
            continue
        entry = entries.get(MessageKey(place.campaign_id, place.seq))
        looked = look_again(receipt, entry, named[place.campaign_id])
        if looked == receipt:
            left.append(place)
        else:
            after[place] = looked
            count_change(changes, place.campaign_id, place.shard, receipt, looked)
    write_receipts(cursor, before, after, named)
    gone += _without_row(cursor, [place for place in due if place not in before])
    forget_open(cursor, gone)
    _name_to_owners(cursor, left, before, entries)
    add_receipt_counts(cursor, changes)
    return Look(len(after) + len(gone), len(left))


def _without_row(cursor: Cursor, absent: Collection[ReceiptPlace]) -> list[ReceiptPlace]:
    """Return those of `absent` that have no row; the others are locked by another process."""
    there = read_receipts(cursor, absent, {})
    return [place for place in absent if place not in there]


def _name_to_owners(
    cursor: Cursor,
    left: Sequence[ReceiptPlace],
    receipts: Receipts,
    entries: Mapping[MessageKey, LedgerEntry],
) -> None:
    by_shard: dict[int, list[ReceiptPlace]] = defaultdict(list)
    for place in sorted(left):
        by_shard[place.shard].append(place)
    for shard, places in by_shard.items():
        messages = [(place.campaign_id, place.seq, receipts[place].generation) for place in places]
        is_named = request_receipts(cursor, shard, messages)
        waits: dict[tuple[CampaignId, int], list[int]] = defaultdict(list)
        for place in places:
            entry = entries.get(MessageKey(place.campaign_id, place.seq))
            longest = _longest_wait(receipts[place], entry) if is_named else SHORT_WAIT
            waits[place.campaign_id, longest].append(place.seq)
        for (campaign_id, longest), seqs in waits.items():
            cursor.execute(LOOK_LATER, (longest, shard, campaign_id, tuple(seqs)))


def _longest_wait(receipt: StoredReceipt, entry: LedgerEntry | None) -> int:
    """Return how long after a look the next one may be, in microseconds.

    What is of another provider than the one that the row of an unknown message names hardly ever
    becomes a proof, and is open for as long as the message is unknown.
    """
    is_unlikely = (
        entry is not None
        and entry.status == Status.UNKNOWN
        and entry.provider is not None
        and not receipt.proves({entry.provider})
    )
    return WAIT_OF_UNLIKELY if is_unlikely else LONGEST_LOOK_WAIT
