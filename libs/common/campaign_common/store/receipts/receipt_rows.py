"""receipts_N and open_receipts: reading under a lock, and writing.

A transaction that changes receipts locks their rows first, in the order of their keys, and the
counters last.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pymysql.converters import escape_string
from pymysql.cursors import Cursor
from pymysql.err import IntegrityError

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState, StoredReceipt
from campaign_common.errors import DatabaseContended


class ReceiptPlace(NamedTuple):
    """The place of a receipt; places are locked in their order."""

    shard: int
    campaign_id: CampaignId
    seq: int


Receipts = dict[ReceiptPlace, StoredReceipt]

_COLUMNS = "generation, receipt_rank, state, provider, code, reported_at"

# Through the primary key only: a scan would wait for rows that nobody asked for.
SELECT = (
    "(SELECT {shard:d}, campaign_id, seq, " + _COLUMNS + " FROM receipts_{shard:d}"
    " FORCE INDEX (PRIMARY) WHERE campaign_id = %s AND seq IN %s{lock})"
)

FOR_UPDATE = " FOR UPDATE"
OF_NO_OTHER = " FOR UPDATE SKIP LOCKED"
UNLOCKED = ""

VALUES = "(%d,%d,%d,%d,%d,%s,%s,%s)"

INSERT = "INSERT INTO receipts_{shard:d} (campaign_id, seq, " + _COLUMNS + ") VALUES "

REPLACE = (
    " ON DUPLICATE KEY UPDATE generation = VALUES(generation),"
    " receipt_rank = VALUES(receipt_rank), state = VALUES(state), provider = VALUES(provider),"
    " code = VALUES(code), reported_at = VALUES(reported_at)"
)

INSERT_OPEN = "INSERT INTO open_receipts (shard, campaign_id, seq, since, look_at) VALUES "

# What proves more than before is looked at as soon as what is new.
LOOK_SOON = " ON DUPLICATE KEY UPDATE look_at = LEAST(look_at, VALUES(look_at))"

OPEN_VALUES = "(%d,%d,%d,NOW(6),NOW(6) + INTERVAL 1 SECOND)"

DELETE_OPEN = "DELETE FROM open_receipts WHERE shard = %s AND campaign_id = %s AND seq IN %s"

MOST_LISTED = 500
"""Seqs of one list: MariaDB makes a join of a list of 1,000, and locks in the order of that."""


def lock_receipts(
    cursor: Cursor,
    places: Collection[ReceiptPlace],
    named: Mapping[CampaignId, str],
    *,
    skip_locked: bool = False,
) -> Receipts:
    """Read receipts and lock their rows until the end of the transaction.

    `named`: the providers that their campaigns name. `skip_locked`: leave out what another
    transaction has locked, instead of waiting for it.
    """
    return _read(cursor, places, named, OF_NO_OTHER if skip_locked else FOR_UPDATE)


def read_receipts(
    cursor: Cursor, places: Collection[ReceiptPlace], named: Mapping[CampaignId, str]
) -> Receipts:
    """Read receipts without a lock."""
    return _read(cursor, places, named, UNLOCKED)


def write_receipts(
    cursor: Cursor,
    before: Receipts,
    after: Receipts,
    named: Mapping[CampaignId, str],
) -> None:
    """Store receipts, the rows of which are locked as far as `before` has them.

    What is open is listed in open_receipts, and what is closed is not.

    Raises:
        DatabaseContended: a row has appeared since `before` was read; the transaction must be
            repeated as a whole.
    """
    for shard, places in _by_shard(sorted(after)):
        fresh = [place for place in places if place not in before]
        known = [place for place in places if place in before]
        for some, suffix in ((fresh, ""), (known, REPLACE)):
            if some:
                values = ",".join(_values(place, after[place], named) for place in some)
                _insert(cursor, INSERT.format(shard=shard) + values + suffix)
    _list_open(cursor, before, after)


def forget_open(cursor: Cursor, places: Collection[ReceiptPlace]) -> None:
    """Take places out of the list of open receipts."""
    for (shard, campaign_id), seqs in _by_campaign(sorted(places)):
        cursor.execute(DELETE_OPEN, (shard, campaign_id, tuple(seqs)))


def _insert(cursor: Cursor, statement: str) -> None:
    try:
        cursor.execute(statement)
    except IntegrityError as error:
        raise DatabaseContended(str(error.args[-1])) from error


def _list_open(cursor: Cursor, before: Receipts, after: Receipts) -> None:
    opened, closed = [], defaultdict(list)
    for place in sorted(after):
        found = before.get(place)
        told = found if found is not None and found.is_open else None
        receipt = after[place]
        if receipt.is_open:
            if told is None or _proof_of(told) != _proof_of(receipt):
                opened.append(OPEN_VALUES % place)
        elif told is not None:
            closed[place.shard, place.campaign_id].append(place.seq)
    if opened:
        cursor.execute(INSERT_OPEN + ",".join(opened) + LOOK_SOON)
    for key, seqs in closed.items():
        cursor.execute(DELETE_OPEN, (*key, tuple(seqs)))


def _proof_of(receipt: StoredReceipt) -> tuple[int, str, bool]:
    """Return that of a receipt on which it depends what it proves."""
    return receipt.generation, receipt.provider, receipt.rank >= ReceiptRank.DELIVERED


def _read(
    cursor: Cursor,
    places: Collection[ReceiptPlace],
    named: Mapping[CampaignId, str],
    lock: str,
) -> Receipts:
    parts, arguments = [], list[object]()
    for (shard, campaign_id), seqs in _by_campaign(sorted(places)):
        for start in range(0, len(seqs), MOST_LISTED):
            parts.append(SELECT.format(shard=shard, lock=lock))
            arguments += (campaign_id, tuple(seqs[start : start + MOST_LISTED]))
    if not parts:
        return {}
    cursor.execute(" UNION ALL ".join(parts), arguments)
    found: Receipts = {}
    for shard, campaign_id, seq, generation, rank, state, provider, code, at in cursor.fetchall():
        found[ReceiptPlace(int(shard), campaign_id, seq)] = StoredReceipt(
            generation,
            ReceiptRank(rank),
            ReceiptState(state),
            provider or named.get(campaign_id, ""),
            code,
            at,
        )
    return found


def _values(place: ReceiptPlace, receipt: StoredReceipt, named: Mapping[CampaignId, str]) -> str:
    is_named = receipt.provider in ("", named.get(place.campaign_id))
    provider = None if is_named else receipt.provider
    return VALUES % (
        place.campaign_id,
        place.seq,
        receipt.generation,
        receipt.rank,
        receipt.state,
        "NULL" if provider is None else f"'{escape_string(provider)}'",
        "NULL" if receipt.code is None else f"'{escape_string(receipt.code)}'",
        "NULL" if (at := receipt.at) is None else f"'{_in_utc(at):%Y-%m-%d %H:%M:%S.%f}'",
    )


def _in_utc(at: datetime) -> datetime:
    return at if at.tzinfo is None else at.astimezone(UTC)


def _by_shard(places: Sequence[ReceiptPlace]) -> Iterator[tuple[int, list[ReceiptPlace]]]:
    groups: dict[int, list[ReceiptPlace]] = {}
    for place in places:
        groups.setdefault(place.shard, []).append(place)
    yield from groups.items()


def _by_campaign(
    places: Sequence[ReceiptPlace],
) -> Iterator[tuple[tuple[int, CampaignId], list[int]]]:
    groups: dict[tuple[int, CampaignId], list[int]] = {}
    for place in places:
        groups.setdefault((place.shard, place.campaign_id), []).append(place.seq)
    yield from groups.items()
