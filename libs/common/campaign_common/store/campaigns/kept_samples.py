"""kept_samples: the numbers of campaigns at points of their runs, kept as long as the campaigns.

A campaign has few, however long it runs: when there are too many, every second one goes, and from
then on they are written half as often.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.store.core.counters import counts_by_status


class KeptSample(NamedTuple):
    """The numbers of a campaign at a time (UTC, naive).

    `unrecorded`: messages published and without an outcome.
    """

    at: datetime
    unrecorded: int
    counts: Mapping[Status, int]


class SampleTrack(NamedTuple):
    """The samples of a campaign: their number, the time of the last, and seconds between two."""

    number: int
    last_at: datetime
    spacing: int


COUNTED = tuple(status for status in Status if status is not Status.NOT_STARTED)

COLUMNS = ", ".join(["sampled_at", "unrecorded", *(status.word for status in COUNTED)])

# The same sample once more, after a lost answer, is no other one.
INSERT = f"""
INSERT IGNORE INTO kept_samples (campaign_id, spacing, {COLUMNS})
VALUES (%s, %s, %s, %s{", %s" * len(COUNTED)})
"""

SELECT = f"SELECT {COLUMNS} FROM kept_samples WHERE campaign_id = %s ORDER BY sampled_at"

SELECT_TRACKS = """
SELECT campaign_id, COUNT(*), MAX(sampled_at), MAX(spacing) FROM kept_samples
WHERE campaign_id IN %s GROUP BY campaign_id
"""

SELECT_TIMES = "SELECT sampled_at FROM kept_samples WHERE campaign_id = %s ORDER BY sampled_at"

DELETE = "DELETE FROM kept_samples WHERE campaign_id = %s AND sampled_at IN %s"

# A campaign that runs is another scheduler's now.
SELECT_STOPPED = """
SELECT id, COALESCE(finished_at, NOW(6)) FROM campaigns WHERE id IN %s AND state <> 'running'
"""


def read_tracks(
    cursor: Cursor, campaign_ids: Sequence[CampaignId]
) -> dict[CampaignId, SampleTrack]:
    """Read how the samples of campaigns stand; those without any are left out."""
    if not campaign_ids:
        return {}
    cursor.execute(SELECT_TRACKS, (tuple(campaign_ids),))
    return {row[0]: SampleTrack(*row[1:]) for row in cursor.fetchall()}


def add_kept_samples(cursor: Cursor, samples: Iterable[tuple[CampaignId, int, KeptSample]]) -> None:
    """Add samples of campaigns, each with the seconds to the next one."""
    rows = [
        (
            campaign_id,
            spacing,
            sample.at,
            sample.unrecorded,
            *tuple(sample.counts.get(status, 0) for status in COUNTED),
        )
        for campaign_id, spacing, sample in samples
    ]
    if rows:
        cursor.executemany(INSERT, sorted(rows))


def thin_out(cursor: Cursor, campaign_id: CampaignId) -> int:
    """Delete every second sample of a campaign, not the first; return how many are left."""
    cursor.execute(SELECT_TIMES, (campaign_id,))
    times = [at for (at,) in cursor.fetchall()]
    surplus = times[1::2]
    if surplus:
        cursor.execute(DELETE, (campaign_id, tuple(surplus)))
    return len(times) - len(surplus)


def read_kept_samples(cursor: Cursor, campaign_id: CampaignId) -> list[KeptSample]:
    """Read the samples of a campaign, the oldest first."""
    cursor.execute(SELECT, (campaign_id,))
    return [
        KeptSample(at, unrecorded, dict(zip(COUNTED, counts, strict=True)))
        for at, unrecorded, *counts in cursor.fetchall()
    ]


def last_samples(
    cursors: Cursors, campaign_ids: Sequence[CampaignId]
) -> dict[CampaignId, KeptSample]:
    """Make samples of those campaigns that do not run any more: of their end, or of now."""
    if not campaign_ids:
        return {}
    cursors.main.execute(SELECT_STOPPED, (tuple(campaign_ids),))
    stopped = dict(cursors.main.fetchall())
    counted = counts_by_status(cursors, list(stopped))
    return {id_: KeptSample(at, 0, counted[id_]) for id_, at in stopped.items()}
