"""Reads and writes of fan-out: recipients by range, ledger look-ups, the checkpoint."""

from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignEpoch, CampaignId, LeaseEpoch
from campaign_common.domain.message import Status
from campaign_common.domain.recipient import ListId


class Checkpoint(NamedTuple):
    """A published chunk: what has to be true before it counts, and how far it goes."""

    campaign_id: CampaignId
    epoch: CampaignEpoch
    lease_epoch: LeaseEpoch
    previous_seq: int
    last_seq: int
    recipients: int


RecipientRow = tuple[int, str, str, str | None]
"""seq, phone, name, attributes as JSON text."""

SELECT_CHUNK = """
SELECT seq, phone, name, attributes FROM recipients
WHERE list_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s
"""

SELECT_LISTED = """
SELECT seq, phone, name, attributes FROM recipients WHERE list_id = %s AND seq IN %s
"""

SELECT_RECORDED = (
    "SELECT seq FROM messages_{shard:d} WHERE campaign_id = %s AND seq BETWEEN %s AND %s"
)

# Matching all four is what makes a publication that was overtaken by a pause, a resume, a
# new partition map or another scheduler count for nothing (protocol rule 8).
ADVANCE = """
UPDATE campaigns SET published_seq = %s, published_count = published_count + %s
WHERE id = %s AND epoch = %s AND lease_epoch = %s AND published_seq = %s AND state = 'running'
"""

SELECT_POSITION = """
SELECT published_seq FROM campaigns
WHERE id = %s AND epoch = %s AND lease_epoch = %s AND state = 'running'
"""

SUM_COUNTERS = f"""
SELECT campaign_id, shard, CAST(SUM(n) AS SIGNED),
  CAST(SUM(IF(status = {Status.WAITING:d}, 0, n)) AS SIGNED)
FROM campaign_counters WHERE campaign_id IN %s GROUP BY campaign_id, shard
"""


class ShardOutcomes(NamedTuple):
    """Numbers of outcomes of one campaign in one shard."""

    recorded: int
    """All of them, those that wait for a retry too."""
    final: int


def read_chunk(
    cursor: Cursor, list_id: ListId, after_seq: int, last_seq: int, limit: int
) -> Sequence[RecipientRow]:
    """Read up to `limit` recipients with `after_seq` < seq <= `last_seq`, in order."""
    cursor.execute(SELECT_CHUNK, (list_id, after_seq, last_seq, limit))
    return cursor.fetchall()


def read_listed(cursor: Cursor, list_id: ListId, seqs: Sequence[int]) -> Sequence[RecipientRow]:
    """Read these recipients of a list, those that exist, in any order."""
    cursor.execute(SELECT_LISTED, (list_id, seqs))
    return cursor.fetchall()


def recorded_seqs(
    cursor: Cursor, campaign_id: CampaignId, shards: Sequence[int], first_seq: int, last_seq: int
) -> set[int]:
    """Read which messages of a range these shards know: an outcome, or a retry to wait for."""
    statement = " UNION ALL ".join(SELECT_RECORDED.format(shard=n) for n in shards)
    cursor.execute(statement, (campaign_id, first_seq, last_seq) * len(shards))
    return {row[0] for row in cursor.fetchall()}


def advance(cursor: Cursor, checkpoint: Checkpoint) -> bool:
    """Count a chunk as published; False means the lease or the epoch is lost.

    A checkpoint that is there already (the answer to an earlier COMMIT was lost) counts as
    moved now: only the holder of this lease epoch can have moved it.
    """
    campaign_id, epoch, lease_epoch, previous_seq, last_seq, recipients = checkpoint
    moved = cursor.execute(
        ADVANCE, (last_seq, recipients, campaign_id, epoch, lease_epoch, previous_seq)
    )
    if moved:
        return True
    cursor.execute(SELECT_POSITION, (campaign_id, epoch, lease_epoch))
    row = cursor.fetchone()
    return row is not None and row[0] >= last_seq


def counted_outcomes(cursors: Cursors, campaign_ids: Sequence[CampaignId]) -> dict[CampaignId, int]:
    """Sum the recorded outcomes of campaigns, including messages that wait for a retry."""
    sums = dict.fromkeys(campaign_ids, 0)
    for cursor in cursors.all:
        for campaign_id, counts in outcomes_by_shard(cursor, campaign_ids).items():
            sums[campaign_id] += sum(outcomes.recorded for outcomes in counts.values())
    return sums


def outcomes_by_shard(
    cursor: Cursor, campaign_ids: Sequence[CampaignId]
) -> dict[CampaignId, dict[int, ShardOutcomes]]:
    """Sum the recorded outcomes of campaigns on one server, by shard."""
    sums: dict[CampaignId, dict[int, ShardOutcomes]] = {one: {} for one in campaign_ids}
    if sums:
        cursor.execute(SUM_COUNTERS, (campaign_ids,))
        for campaign_id, shard, recorded, final in cursor.fetchall():
            sums[campaign_id][shard] = ShardOutcomes(int(recorded), int(final))
    return sums
