"""Doubts about messages that several providers report, by which their receipts are chosen.

Read by a writer of receipts, without a lock, and only where it has such reports. A message is
claimed, then recorded or noted as possibly sent, each time by one commit. So the claims are read
before the ledger, and what is noted after both: what a provider has taken is in one of them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.claim import decode_claim
from campaign_common.domain.message import LedgerEntry, MessageKey
from campaign_common.domain.receipts.stored_receipt import (
    NO_DOUBTS,
    DoubtedProviders,
    PossibleTakers,
    doubts_of,
)
from campaign_common.errors import ClaimTooNew
from campaign_common.store.messages.possibly_sent import read_doubts
from campaign_common.store.receipts.receipt_rows import ReceiptPlace
from campaign_common.store.shards.claims import read_claimed_lists

Claimed = Mapping[ReceiptPlace, Mapping[int, DoubtedProviders]]
"""Providers that messages are claimed for, by place and generation."""


def read_claimed(cursor: Cursor, places: Collection[ReceiptPlace]) -> Claimed:
    """Read for which providers messages are claimed."""
    claimed: dict[ReceiptPlace, dict[int, set[str | None]]] = defaultdict(lambda: defaultdict(set))
    wanted = set(places)
    for shard, packed in read_claimed_lists(cursor, {place.shard for place in places}).items():
        try:
            messages = decode_claim(packed)
        except ClaimTooNew:  # by a newer sender: any provider may have any of them
            for place in wanted:
                claimed[place] = defaultdict(lambda: {None})
            continue
        for message in messages:
            place = ReceiptPlace(shard, message.campaign_id, message.seq)
            if place in wanted:
                claimed[place][message.generation].add(message.provider)
    return claimed


def read_contested(
    cursor: Cursor,
    generations: Mapping[ReceiptPlace, int],
    claimed: Claimed,
    entries: Mapping[MessageKey, LedgerEntry],
) -> dict[ReceiptPlace, PossibleTakers]:
    """Return the providers that may have taken messages in their `generations`."""
    wanted: dict[CampaignId, list[int]] = defaultdict(list)
    for place in generations:
        wanted[place.campaign_id].append(place.seq)
    noted = read_doubts(cursor, wanted).doubts
    takers: dict[ReceiptPlace, PossibleTakers] = {}
    for place, generation in generations.items():
        entry = entries.get(MessageKey(place.campaign_id, place.seq))
        current = entry if entry is not None and entry.generation == generation else None
        beside = noted.get((place.campaign_id, place.seq, generation), ())
        held = claimed[place][generation] if place in claimed else NO_DOUBTS
        takers[place] = PossibleTakers(doubts_of(current, beside), held)
    return takers
