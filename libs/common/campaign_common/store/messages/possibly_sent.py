"""Tables possibly_sent and late_results: sends in doubt, and results that came too late."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.claim import Claimable, ClaimedMessage
from campaign_common.domain.content.price import Charge
from campaign_common.domain.message import Status
from campaign_common.store.messages.first_sends import to_datetime, to_microseconds
from campaign_common.store.messages.ledger import LedgerRow
from campaign_common.store.shards.shard_commands import request_late_results

FINAL_FACTS = frozenset({Status.SENT, Status.FAILED})
"""The statuses of a late result that resolve a doubt."""

Doubts = Mapping[tuple[CampaignId, int, int], Mapping[str | None, int]]
"""Providers that may have taken a message, each with the latest try that it may have taken, by
(campaign_id, seq, generation). Provider None: it is not known; try 0: nor is the try."""


class DoubtLookup(NamedTuple):
    """Doubts that were read, and when."""

    doubts: Doubts
    now: int
    """Time of the read by the server's clock, in microseconds since 1970."""


class LateFact(NamedTuple):
    """The end of one try, received by a sender that had lost the shard meanwhile."""

    message: ClaimedMessage
    status: Status
    provider_message_id: str | None
    error_code: str | None
    provider: str | None = None
    cost: Charge | None = None


# The driver sends many rows in one statement only where every value is a plain %s: the time
# is the column's default. Where one try is in doubt at two providers, after a route let it go on,
# none of them is known as the only one.
INSERT_POSSIBLY_SENT = """
INSERT INTO possibly_sent
  (campaign_id, seq, generation, try_number, shard, provider, sent_after)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE
  provider = IF(VALUES(provider) IS NULL OR provider <=> VALUES(provider), provider, NULL),
  sent_after = LEAST(sent_after, VALUES(sent_after))
"""

INSERT_LATE_RESULT = """
INSERT INTO late_results (shard, campaign_id, seq, generation, try_number, status,
                          provider_message_id, error_code, provider, cost)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

SELECT_POSSIBLY_SENT = """
SELECT campaign_id, seq, generation, try_number, provider FROM possibly_sent
WHERE campaign_id = %s AND seq IN %s
"""

# Nearly always there is no row of the campaign, or there are few near what is asked for.
SELECT_NEAR = """
(SELECT campaign_id, seq, generation, try_number, provider FROM possibly_sent
 WHERE campaign_id = %s AND seq BETWEEN %s AND %s LIMIT %s)
"""

EXISTS_DOUBT = "(SELECT campaign_id, NULL FROM possibly_sent WHERE campaign_id = %s LIMIT 1)"

SELECT_NOW = "(SELECT NULL AS campaign_id, NOW(6) AS now)"

MOST_NEAR = 500
"""Rows of a range that are read rather than looked up by seq, about as many as one lost sender may
leave: reading that many costs a fifth of looking up 4,000."""

SELECT_LATE_PROVIDERS = """
SELECT seq, generation, try_number, provider FROM late_results
WHERE campaign_id = %s AND seq IN %s AND provider IS NOT NULL
"""

# Of a message that was noted for several tries, the latest one.
SELECT_WITHOUT_OUTCOME = """
SELECT s.campaign_id, s.seq, s.generation, GREATEST(s.try_number, 1), s.provider
FROM possibly_sent s
LEFT JOIN messages_{shard:d} m ON m.campaign_id = s.campaign_id AND m.seq = s.seq
WHERE s.campaign_id = %s AND s.shard = %s AND m.seq IS NULL AND NOT EXISTS (
  SELECT 1 FROM possibly_sent later
  WHERE later.campaign_id = s.campaign_id AND later.seq = s.seq
    AND (later.generation > s.generation
         OR later.generation = s.generation AND later.try_number > s.try_number)
)
LIMIT %s
"""

SELECT_FACTS = """
SELECT campaign_id, seq, generation, try_number, status, provider_message_id, error_code,
       provider, cost
FROM late_results WHERE campaign_id = %s AND seq IN %s AND shard = %s ORDER BY id
"""

_Row = tuple[CampaignId, int, int, int, str | None]
"""Campaign, seq, generation, try and provider of a row of possibly_sent."""

_decode_cost = msgspec.json.Decoder(Charge).decode

COUNT_POSSIBLY_SENT = """
SELECT COUNT(DISTINCT campaign_id, seq) FROM possibly_sent WHERE campaign_id IN %s
"""


def note_possibly_sent(cursor: Cursor, shard: int, claimed: Iterable[Claimable]) -> None:
    """Note messages that a lost sender may have handed to a provider (protocol rule 3)."""
    rows = [
        (
            one.campaign_id,
            one.seq,
            one.generation,
            one.try_number,
            shard,
            one.provider or None,
            to_datetime(one.sent_after),
        )
        for one in claimed
    ]
    if rows:
        cursor.executemany(INSERT_POSSIBLY_SENT, rows)


def note_lost_commits(cursor: Cursor, shard: int, messages: Iterable[Claimable]) -> None:
    """Note messages that may have been sent before commits were lost (protocol rule 16).

    In which try and to which provider is not known. As a try of its own, 0, that stands beside
    what is noted of others, and stays.
    """
    noted = (
        ClaimedMessage(
            CampaignId(one.campaign_id),
            one.seq,
            one.generation,
            try_number=0,
            sent_after=one.sent_after,
        )
        for one in messages
    )
    note_possibly_sent(cursor, shard, noted)


def note_late_results(cursor: Cursor, late: Iterable[tuple[int, LedgerRow]]) -> None:
    """Append outcomes, each with its shard, that a fenced sender learnt but may not record.

    They are facts, kept for the shard's owner, who is asked to look at those that are final
    (protocol rule 14).
    """
    late = list(late)
    values = [
        (
            shard,
            row.campaign_id,
            row.seq,
            row.generation,
            row.try_number,
            int(row.status),
            row.provider_message_id,
            row.error_code,
            row.provider,
            None if row.cost is None else msgspec.json.encode(row.cost).decode(),
        )
        for shard, row in late
    ]
    if values:
        cursor.executemany(INSERT_LATE_RESULT, values)
    final: dict[tuple[CampaignId, int], list[int]] = defaultdict(list)
    for shard, row in late:
        if row.status in FINAL_FACTS:
            final[row.campaign_id, shard].append(row.seq)
    for (campaign_id, shard), seqs in final.items():
        request_late_results(cursor, campaign_id, shard, seqs)


def read_possibly_sent(
    cursor: Cursor, campaign_id: CampaignId, seqs: Sequence[int]
) -> dict[tuple[int, int], str | None]:
    """Return the (seq, generation) of `seqs` that a lost sender may have handed to a provider.

    Each with the provider; None where it is not known.
    """
    if not seqs:
        return {}
    found: dict[tuple[int, int], str | None] = {}
    for _, seq, generation, _, provider in _read_listed(cursor, {campaign_id: seqs})[0]:
        found[seq, generation] = provider or found.get((seq, generation))
    return found


def read_doubts(cursor: Cursor, wanted: Mapping[CampaignId, Sequence[int]]) -> DoubtLookup:
    """Return the messages of `wanted`, {campaign_id: seqs}, that may have been sent, and where.

    Where a lost sender's claim does not say for which provider it was, a late result may. Costs one
    short statement where no message of the campaigns was ever possibly sent, and a second one for
    each campaign where none near those was.
    """
    doubts: dict[tuple[CampaignId, int, int], dict[str | None, int]] = defaultdict(dict)
    rows, now = _read_listed(cursor, wanted)
    for campaign_id, seq, generation, try_number, provider in rows:
        found = doubts[campaign_id, seq, generation]
        found[provider] = max(try_number, found.get(provider, 0))
    unclear: dict[CampaignId, set[int]] = defaultdict(set)
    for (campaign_id, seq, _), providers in doubts.items():
        if None in providers:
            unclear[campaign_id].add(seq)
    for campaign_id, seqs in unclear.items():
        cursor.execute(SELECT_LATE_PROVIDERS, (campaign_id, tuple(seqs)))
        for seq, generation, try_number, provider in cursor.fetchall():
            if (late := doubts.get((campaign_id, seq, generation))) is not None:
                late[provider] = max(try_number, late.get(provider, 0))
    return DoubtLookup(doubts, now)


def _read_listed(
    cursor: Cursor, wanted: Mapping[CampaignId, Sequence[int]]
) -> tuple[list[_Row], int]:
    """Read the rows of `wanted`, {campaign_id: seqs}, and the time of the server before that.

    Of a campaign that has any rows the range is read that the seqs span. Only where that has more
    than a few, they are looked up by seq.
    """
    cursor.execute(" UNION ALL ".join([SELECT_NOW, *[EXISTS_DOUBT] * len(wanted)]), tuple(wanted))
    ((_, moment), *doubted) = cursor.fetchall()
    found: list[_Row] = []
    for campaign_id, _ in doubted:
        seqs = wanted[campaign_id]
        cursor.execute(SELECT_NEAR, (campaign_id, min(seqs), max(seqs), MOST_NEAR + 1))
        rows = cursor.fetchall()
        if len(rows) > MOST_NEAR:
            cursor.execute(SELECT_POSSIBLY_SENT, (campaign_id, tuple(seqs)))
            found += cursor.fetchall()
        elif rows:
            listed = set(seqs)
            found += [row for row in rows if row[1] in listed]
    return found, to_microseconds(moment)


def possibly_sent_without_outcome(
    cursor: Cursor, shard: int, campaign_id: CampaignId, limit: int
) -> list[ClaimedMessage]:
    """Read up to `limit` possibly sent messages of which the ledger knows nothing."""
    cursor.execute(SELECT_WITHOUT_OUTCOME.format(shard=shard), (campaign_id, shard, limit))
    return [ClaimedMessage(*row) for row in cursor.fetchall()]


def read_late_facts(
    cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: Sequence[int]
) -> list[LateFact]:
    """Read the late results of messages, the oldest first."""
    if not seqs:
        return []
    cursor.execute(SELECT_FACTS, (campaign_id, tuple(seqs), shard))
    return [
        LateFact(
            ClaimedMessage(*row[:4]),
            Status(row[4]),
            row[5],
            row[6],
            row[7],
            None if row[8] is None else _decode_cost(row[8]),
        )
        for row in cursor.fetchall()
    ]


def count_possibly_sent(cursors: Cursors, campaign_ids: Sequence[CampaignId]) -> int:
    """Count the messages of campaigns that were ever possibly sent."""
    possibly_sent = 0
    if campaign_ids:
        for cursor in cursors.all:
            cursor.execute(COUNT_POSSIBLY_SENT, (campaign_ids,))
            ((n,),) = cursor.fetchall()
            possibly_sent += int(n)
    return possibly_sent
