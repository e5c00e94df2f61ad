"""campaigns and campaign_samples: what people want to know of campaigns, and of their rate."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.campaign_content import CampaignContent
from campaign_common.domain.limits.campaign_pace import CampaignPace
from campaign_common.domain.message import FINAL, Status
from campaign_common.domain.recipient import ListId
from campaign_common.store.core.contents import content_from
from campaign_common.store.core.counters import (
    COUNTED_COLUMNS,
    COUNTED_TABLE,
    Counted,
    CountedRow,
    add_up,
    counts_by_status,
)
from campaign_common.store.core.open_circuits import OPEN_CIRCUITS


class CampaignProgress(NamedTuple):
    """A campaign and its list, read at `now` by the database's clock; times are UTC, naive.

    `total` is None before the start; `published_count` is how many are published under the
    present epoch; `circuit_open_until` is set while the circuit breaker of the provider is open.
    """

    id: CampaignId
    name: str
    state: CampaignState
    failure_reason: str | None
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    now: datetime
    total: int | None
    list_id: ListId
    accepted: int
    duplicates: int
    rejected: int
    delivery: str
    provider: str
    circuit_open_until: datetime | None
    created_at: datetime
    expires_after: int | None
    expires_at: datetime | None
    published_count: int
    max_rate: Decimal | None
    priority: int
    topic: str | None = None
    time_zone: str | None = None


class Sample(NamedTuple):
    """The number of final outcomes of a campaign, so many seconds ago."""

    ended: int
    seconds_ago: float


class Standing(NamedTuple):
    """A campaign with its counters, its content and its budget."""

    campaign: CampaignProgress
    counted: Counted
    content: CampaignContent
    budget: Budget | None = None


class Movement(NamedTuple):
    """The numbers from which a campaign's rate at `now` follows; times are UTC, naive.

    `total` is that of its list before the start; `sample` is the oldest of the last seconds.
    """

    state: CampaignState
    started_at: datetime | None
    now: datetime
    total: int
    published_count: int
    sample: Sample | None
    counted: Counted
    pace: CampaignPace = CampaignPace()
    provider: str = ""
    """The provider, or the route."""


class Milestone(NamedTuple):
    """The numbers of a running campaign at a time (UTC, naive).

    `published` is how many messages are published under the present epoch.
    """

    campaign_id: CampaignId
    at: datetime
    published: int
    counts: Mapping[Status, int]

    @property
    def ended(self) -> int:
        """The number of final outcomes."""
        return sum(n for status, n in self.counts.items() if status in FINAL)


PROGRESS_COLUMNS = """
SELECT c.id, c.name, c.state, c.failure_reason, c.scheduled_at, c.started_at, c.finished_at,
       NOW(6), c.total, c.list_id, CAST(COALESCE(l.accepted, 0) AS UNSIGNED),
       CAST(COALESCE(l.duplicates, 0) AS UNSIGNED), CAST(COALESCE(l.rejected, 0) AS UNSIGNED),
       c.delivery, c.provider, b.open_until, c.created_at, c.expires_after, c.expires_at,
       c.published_count, c.max_rate, c.priority, c.topic, c.time_zone"""

PROGRESS_TABLES = f"""
FROM campaigns c LEFT JOIN recipient_lists l ON l.id = c.list_id
LEFT JOIN ({OPEN_CIRCUITS}) b ON b.provider = c.provider
"""

SELECT_PROGRESS = PROGRESS_COLUMNS + PROGRESS_TABLES

ONE = " WHERE c.id = %s"

SELECT_STANDING = f"""
{PROGRESS_COLUMNS}, c.template, c.content, g.amount, g.currency, {COUNTED_COLUMNS}
{PROGRESS_TABLES} LEFT JOIN campaign_budgets g ON g.campaign_id = c.id {COUNTED_TABLE} {ONE}
"""

# Few columns, each of which takes its time in the driver, for what is asked again and again.
SELECT_MOVEMENT = f"""
SELECT c.state, c.started_at, NOW(6), CAST(COALESCE(c.total, l.accepted, 0) AS UNSIGNED),
       c.published_count, s.ended, TIMESTAMPDIFF(MICROSECOND, s.sampled_at, NOW(6)) / 1000000.0,
       c.max_rate, c.priority, c.provider,
       {COUNTED_COLUMNS}
FROM campaigns c LEFT JOIN recipient_lists l ON l.id = c.list_id
LEFT JOIN campaign_samples s ON s.campaign_id = c.id AND s.sampled_at = (
  SELECT MIN(sampled_at) FROM campaign_samples
  WHERE campaign_id = c.id AND sampled_at >= NOW(6) - INTERVAL %s SECOND)
{COUNTED_TABLE} {ONE}
"""

SELECT_CONTENT = "SELECT template, content FROM campaigns WHERE id = %s"

SELECT_RUNNING = """
SELECT id, NOW(6), published_count FROM campaigns WHERE state = 'running' AND lease_owner = %s
"""

INSERT_SAMPLE = "INSERT INTO campaign_samples (campaign_id, sampled_at, ended) VALUES (%s, %s, %s)"

DELETE_SAMPLES = "DELETE FROM campaign_samples WHERE sampled_at < NOW(6) - INTERVAL %s SECOND"


def read_progress(cursor: Cursor, campaign_id: CampaignId) -> CampaignProgress | None:
    """Read a campaign, or None when there is none of that id."""
    cursor.execute(SELECT_PROGRESS + ONE, (campaign_id,))
    return next(iter(progress_rows(cursor)), None)


def read_standing(cursors: Cursors, campaign_id: CampaignId) -> Standing | None:
    """Read a campaign with its counters and content, or None when there is none of that id."""
    cursors.main.execute(SELECT_STANDING, (campaign_id,) * 2)
    found = _one_with_counted(cursors, campaign_id)
    if found is None:
        return None
    (*progress, template, content, amount, currency), counted = found
    budget = None if amount is None else Budget(amount, currency)
    return Standing(_progress(*progress), counted, content_from(template, content), budget)


def read_movement(cursors: Cursors, campaign_id: CampaignId, within: int) -> Movement | None:
    """Read how a campaign moves, with the oldest sample of the last `within` seconds."""
    cursors.main.execute(SELECT_MOVEMENT, (within, campaign_id, campaign_id))
    found = _one_with_counted(cursors, campaign_id)
    if found is None:
        return None
    (*columns, max_rate, priority, provider), counted = found
    state, started_at, now, total, published_count, ended, seconds_ago = columns
    sample = None if ended is None else Sample(int(ended), float(seconds_ago))
    return Movement(
        CampaignState(state),
        started_at,
        now,
        int(total),
        published_count,
        sample,
        counted,
        CampaignPace(max_rate, priority),
        provider,
    )


def progress_rows(cursor: Cursor) -> list[CampaignProgress]:
    """Take what a statement that begins with SELECT_PROGRESS has found."""
    return [_progress(*row) for row in cursor.fetchall()]


def read_content(cursor: Cursor, campaign_id: CampaignId) -> CampaignContent | None:
    """Read a campaign's content, or None when there is no campaign of that id."""
    cursor.execute(SELECT_CONTENT, (campaign_id,))
    row = cursor.fetchone()
    return None if row is None else content_from(*row)


def milestones(cursors: Cursors, owner: str) -> list[Milestone]:
    """Read how far every running campaign has come that `owner` leases."""
    cursors.main.execute(SELECT_RUNNING, (owner,))
    running = {id_: (at, published) for id_, at, published in cursors.main.fetchall()}
    counted = counts_by_status(cursors, list(running))
    return [Milestone(id_, *running[id_], counts) for id_, counts in counted.items()]


def add_samples(cursor: Cursor, reached: Iterable[Milestone]) -> None:
    """Note how far campaigns have come."""
    rows = [(one.campaign_id, one.at, one.ended) for one in reached]
    cursor.executemany(INSERT_SAMPLE, rows)


def forget_samples(cursor: Cursor, older_than: int) -> None:
    """Delete the samples of every campaign that are older than so many seconds."""
    cursor.execute(DELETE_SAMPLES, (older_than,))


def _progress(
    id_: CampaignId,
    name: str,
    state: str,
    *others: Any,  # noqa: ANN401 - columns
) -> CampaignProgress:
    return CampaignProgress(id_, name, CampaignState(state), *others)


def _one_with_counted(
    cursors: Cursors, campaign_id: CampaignId
) -> tuple[Sequence[Any], Counted] | None:
    """Take what a statement on the main server that ends with COUNTED_COLUMNS has found."""
    rows = cursors.main.fetchall()
    if not rows:
        return None
    width = len(CountedRow._fields)
    counted = add_up(cursors, campaign_id, [CountedRow(*row[-width:]) for row in rows])
    return None if counted is None else (rows[0][:-width], counted)
