"""Messages that were sent as a report says: by its provider, in its generation.

Nearly all that are reported about are. They are counted where they are, since to read the rows of
a batch takes the client longer than everything else that it does with the batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.store.receipts.receipt_rows import MOST_LISTED


class SentAs(NamedTuple):
    """The way in which some messages of a campaign and shard were sent."""

    shard: int
    campaign_id: CampaignId
    generation: int
    provider: str | None
    """As in the ledger; None: the one that the campaign names."""


COUNT = (
    "(SELECT {place:d}, COUNT(*) FROM messages_{shard:d} FORCE INDEX (PRIMARY)"
    " WHERE campaign_id = {campaign_id:d} AND seq IN ({seqs}) AND status = {sent:d}"
    " AND generation = {generation:d} AND provider <=> %s)"
)


def were_sent(
    cursor: Cursor, expected: Mapping[SentAs, Sequence[int]]
) -> Iterable[tuple[SentAs, Sequence[int]]]:
    """Yield those of `expected`, with their seqs, of which every message was sent in that way.

    At most `MOST_LISTED` seqs are counted together, and so yielded or left out together.
    """
    parts, arguments, asked = [], list[object](), list[tuple[SentAs, Sequence[int]]]()
    for sent_as, seqs in expected.items():
        for start in range(0, len(seqs), MOST_LISTED):
            some = seqs[start : start + MOST_LISTED]
            parts.append(
                COUNT.format(
                    place=len(asked),
                    shard=sent_as.shard,
                    campaign_id=sent_as.campaign_id,
                    seqs=",".join(map(str, some)),
                    sent=Status.SENT,
                    generation=sent_as.generation,
                )
            )
            arguments.append(sent_as.provider)
            asked.append((sent_as, some))
    if not parts:
        return
    cursor.execute(" UNION ALL ".join(parts), arguments)
    for place, n in cursor.fetchall():
        sent_as, seqs = asked[place]
        if n == len(seqs):
            yield sent_as, seqs
