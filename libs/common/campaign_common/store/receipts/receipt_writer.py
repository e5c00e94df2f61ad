"""Writing of receipts, by any process at any time.

The ledger is read and not locked, so that no owner waits for a writer when it records. A receipt
counts as that of a sent message if the ledger said so in its generation at any time: a message
leaves `sent` only in a transaction of its owner that has locked the receipt, takes it out of the
counters and gives its row the next generation.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import LedgerEntry, MessageKey
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.stored_receipt import (
    NO_TAKERS,
    ReceiptEffect,
    is_contested,
    needs_entry,
    report,
)
from campaign_common.store.core.receipt_counters import (
    ReceiptKey,
    add_receipt_counts,
    count_change,
)
from campaign_common.store.messages.ledger import look_up
from campaign_common.store.receipts.contested_receipts import read_claimed, read_contested
from campaign_common.store.receipts.receipt_rows import (
    ReceiptPlace,
    Receipts,
    lock_receipts,
    write_receipts,
)


class WrittenReceipts(NamedTuple):
    """Numbers of reports by their effect; they add up to those that were written."""

    stored: int = 0
    repeated: int = 0
    """Reports that changed nothing, since as much or more was known."""
    unmatched: Mapping[str, int] = {}
    """Reports that changed nothing since they are not about a message as it is, by reason:
    `no_campaign`, `other_provider` or `older_generation`."""

    @classmethod
    def counted(cls, effects: Mapping[ReceiptEffect, int]) -> "WrittenReceipts":
        """Make it of the number of reports by effect."""
        unmatched = {effect.value: n for effect, n in effects.items() if n and effect in UNMATCHED}
        return cls(
            effects.get(ReceiptEffect.STORED, 0), effects.get(ReceiptEffect.REPEATED, 0), unmatched
        )


UNMATCHED = (
    ReceiptEffect.NO_CAMPAIGN,
    ReceiptEffect.OTHER_PROVIDER,
    ReceiptEffect.OLDER_GENERATION,
)


class NamedByCampaign(NamedTuple):
    """Facts about a campaign on which its receipts depend."""

    provider: str
    shards: int


SELECT_CAMPAIGNS = "SELECT id, provider, shards FROM campaigns WHERE id IN %s AND shards > 0"


class ReceiptWriter:
    """Writer of receipts to the servers of their shards."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def write(self, receipts: Sequence[MessageReceipt]) -> WrittenReceipts:
        """Store all of `receipts`, in one transaction for each database server.

        May be repeated as a whole after any error: what was stored then changes nothing.

        Raises:
            RetryLater: a database is away, or its answer to COMMIT was lost.
        """
        if not receipts:
            return WrittenReceipts()
        campaigns = _read_campaigns(
            self._databases.main, {receipt.campaign_id for receipt in receipts}
        )
        effects: Counter[ReceiptEffect] = Counter()
        known = []
        for receipt in receipts:
            campaign = campaigns.get(receipt.campaign_id)
            if campaign is None or receipt.shard >= campaign.shards:
                effects[ReceiptEffect.NO_CAMPAIGN] += 1
            else:
                known.append(receipt)
        if known:
            named = {id_: campaign.provider for id_, campaign in campaigns.items()}
            for database, part in self._databases.split(known, _shard_of):
                effects.update(_write_on(database, part, named))
        return WrittenReceipts.counted(effects)


def read_named(database: Database, ids: Iterable[CampaignId]) -> dict[CampaignId, str]:
    """Return the providers that started campaigns name; `database`: the main server."""
    return {id_: campaign.provider for id_, campaign in _read_campaigns(database, ids).items()}


def _read_campaigns(
    database: Database, ids: Iterable[CampaignId]
) -> dict[CampaignId, NamedByCampaign]:
    with database.reading() as cursor:
        cursor.execute(SELECT_CAMPAIGNS, (tuple(ids),))
        return {id_: NamedByCampaign(*columns) for id_, *columns in cursor.fetchall()}


def _shard_of(receipt: MessageReceipt) -> int:
    return receipt.shard


def _write_on(
    database: Database, receipts: Sequence[MessageReceipt], named: Mapping[CampaignId, str]
) -> Counter[ReceiptEffect]:
    for_places: dict[ReceiptPlace, list[MessageReceipt]] = {}
    for receipt in receipts:
        place = ReceiptPlace(receipt.shard, receipt.campaign_id, receipt.seq)
        for_places.setdefault(place, []).append(receipt)
    return database.run(partial(_store, for_places, named))


def _store(
    reports: Mapping[ReceiptPlace, Sequence[MessageReceipt]],
    named: Mapping[CampaignId, str],
    cursor: Cursor,
) -> Counter[ReceiptEffect]:
    before = lock_receipts(cursor, reports, named)
    contested = {
        place: max(one.generation for one in of_place)
        for place, of_place in reports.items()
        if is_contested(before.get(place), of_place)
    }
    claimed = read_claimed(cursor, contested) if contested else {}
    entries = _look_up(cursor, reports, before)
    takers = read_contested(cursor, contested, claimed, entries) if contested else {}
    after: Receipts = {}
    effects: Counter[ReceiptEffect] = Counter()
    changes: Counter[ReceiptKey] = Counter()
    for place, of_place in reports.items():
        found = known = before.get(place)
        entry = entries.get(MessageKey(place.campaign_id, place.seq))
        by = takers.get(place, NO_TAKERS)
        for one in of_place:
            known, effect = report(known, entry, named[place.campaign_id], one, by)
            effects[effect] += 1
        if known is not None and known != found:
            after[place] = known
            count_change(changes, place.campaign_id, place.shard, found, known)
    write_receipts(cursor, before, after, named)
    add_receipt_counts(cursor, changes)
    return effects


def _look_up(
    cursor: Cursor,
    reports: Mapping[ReceiptPlace, Sequence[MessageReceipt]],
    before: Receipts,
) -> dict[MessageKey, LedgerEntry]:
    wanted: dict[tuple[int, CampaignId], list[int]] = {}
    for place, of_place in reports.items():
        if any(needs_entry(before.get(place), one.generation) for one in of_place):
            wanted.setdefault((place.shard, place.campaign_id), []).append(place.seq)
    return look_up(cursor, wanted)
