"""Leases on campaigns: which scheduler works on which running campaign, and until when.

A lease is an owner, a time by the database's clock, and an epoch that every new holder
raises. Whatever a holder writes matches that epoch, so one that lost its lease without
noticing writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignEpoch, CampaignId, LeaseEpoch
from campaign_common.domain.content.campaign_content import CampaignContent
from campaign_common.domain.recipient import ListId
from campaign_common.store.core.contents import content_from
from campaign_common.tracing import trace_id_of

LeaseKey = tuple[CampaignId, LeaseEpoch]
"""A lease: the campaign and the epoch of the lease."""


@dataclass(frozen=True)
class Lease:
    """A running campaign as its holder took it: what fan-out needs to know of it."""

    campaign_id: CampaignId
    epoch: CampaignEpoch
    lease_epoch: LeaseEpoch
    template: str
    list_id: ListId
    shards: int
    last_seq: int
    total: int
    published_seq: int
    published_count: int
    republications: int = 0
    """The number of times that the watchdog has had the campaign published again."""
    traceparent: str | None = None
    """The request that set it going."""
    stored_content: str | None = None
    """The column `content`; see `campaign_content`."""
    max_rate: Decimal | None = None
    """Its own rate when the lease was read."""

    @property
    def campaign_content(self) -> CampaignContent:
        """The content of its messages, and its originator."""
        content = content_from(self.template, self.stored_content)
        return content._replace(has_rate=content.has_rate or self.max_rate is not None)

    @property
    def key(self) -> LeaseKey:
        """The identity of this lease among all on the same campaign."""
        return self.campaign_id, self.lease_epoch

    @property
    def trace_id(self) -> str | None:
        """The trace of that request, for log lines."""
        return trace_id_of(self.traceparent)


class DueCampaign(NamedTuple):
    """A scheduled campaign whose time has come, with the list it is to be sent to.

    The list's columns are None where the list does not exist any more.
    """

    campaign_id: CampaignId
    epoch: CampaignEpoch
    template: str
    list_id: ListId
    traceparent: str | None
    stored_content: str | None
    list_state: str | None
    attribute_columns: str | None
    accepted: int
    list_last_seq: int

    @property
    def campaign_content(self) -> CampaignContent:
        """The content of its messages, and its originator."""
        return content_from(self.template, self.stored_content)


class Holder(NamedTuple):
    """The owner of a lease, and the seconds for which it is taken."""

    owner: str
    seconds: float

    @property
    def microseconds(self) -> int:
        """The lease's length as SQL wants it."""
        return int(self.seconds * 1_000_000)


SELECT_DUE = """
SELECT id, epoch, template, list_id, traceparent, content FROM campaigns
WHERE state = 'scheduled' AND scheduled_at <= NOW(6)
ORDER BY scheduled_at LIMIT %s FOR UPDATE SKIP LOCKED
"""

SELECT_LISTS = """
SELECT id, state, attribute_columns, accepted, last_seq FROM recipient_lists WHERE id IN %s
"""

START = """
UPDATE campaigns
SET state = 'running', epoch = epoch + 1, shards = %s, last_seq = %s, total = %s,
    published_seq = 0, published_count = 0, started_at = NOW(6),
    expires_at = NOW(6) + INTERVAL expires_after SECOND,
    lease_owner = %s, lease_until = NOW(6) + INTERVAL %s MICROSECOND,
    lease_epoch = lease_epoch + 1
WHERE id = %s AND epoch = %s AND state = 'scheduled'
"""

FAIL = """
UPDATE campaigns SET state = 'failed', failure_reason = %s
WHERE id = %s AND epoch = %s AND state = 'scheduled'
"""

SELECT_ORPHANED = """
SELECT id FROM campaigns
WHERE state = 'running' AND lease_until <= NOW(6)
ORDER BY lease_until LIMIT %s FOR UPDATE SKIP LOCKED
"""

TAKE_OVER = """
UPDATE campaigns
SET lease_owner = %s, lease_until = NOW(6) + INTERVAL %s MICROSECOND,
    lease_epoch = lease_epoch + 1
WHERE id IN %s
"""

SELECT_LEASES = """
SELECT id, epoch, lease_epoch, template, list_id, shards, last_seq, total, published_seq,
       published_count, republications, traceparent, content, max_rate
FROM campaigns WHERE id IN %s AND state = 'running' AND lease_owner = %s
"""

RENEW = """
UPDATE campaigns SET lease_until = NOW(6) + INTERVAL %s MICROSECOND
WHERE id IN %s AND (id, lease_epoch) IN %s AND lease_owner = %s AND state = 'running'
"""

SELECT_HELD = """
SELECT id, lease_epoch FROM campaigns WHERE id IN %s AND lease_owner = %s AND state = 'running'
"""

RELEASE = """
UPDATE campaigns SET lease_until = NOW(6)
WHERE id IN %s AND (id, lease_epoch) IN %s AND lease_owner = %s
"""


def lock_due(cursor: Cursor, limit: int) -> list[DueCampaign]:
    """Lock up to `limit` scheduled campaigns that are due, passing over locked ones."""
    cursor.execute(SELECT_DUE, (limit,))
    due = cursor.fetchall()
    if not due:
        return []
    cursor.execute(SELECT_LISTS, (tuple({row[3] for row in due}),))
    lists: dict[ListId, tuple[Any, ...]] = {row[0]: row[1:] for row in cursor.fetchall()}
    return [DueCampaign(*row, *lists.get(row[3], (None, None, 0, 0))) for row in due]


def start(cursor: Cursor, due: DueCampaign, holder: Holder, shards: int) -> None:
    """Make a locked due campaign running, its end frozen, under a lease of `holder`."""
    cursor.execute(
        START,
        (
            shards,
            due.list_last_seq,
            due.accepted,
            holder.owner,
            holder.microseconds,
            due.campaign_id,
            due.epoch,
        ),
    )


def fail(cursor: Cursor, due: DueCampaign, reason: str) -> None:
    """End a locked due campaign that cannot start; `reason` is what its owner reads."""
    cursor.execute(FAIL, (reason[:255], due.campaign_id, due.epoch))


def take_over_orphaned(cursor: Cursor, holder: Holder, limit: int) -> list[Lease]:
    """Take up to `limit` running campaigns whose lease has run out."""
    cursor.execute(SELECT_ORPHANED, (limit,))
    campaign_ids = [row[0] for row in cursor.fetchall()]
    if not campaign_ids:
        return []
    cursor.execute(TAKE_OVER, (holder.owner, holder.microseconds, campaign_ids))
    return read_leases(cursor, campaign_ids, holder.owner)


def read_leases(cursor: Cursor, campaign_ids: Sequence[CampaignId], owner: str) -> list[Lease]:
    """Read the campaigns that run under a lease of `owner`."""
    if not campaign_ids:
        return []
    cursor.execute(SELECT_LEASES, (campaign_ids, owner))
    return [Lease(*row) for row in cursor.fetchall()]


def renew(cursor: Cursor, keys: Sequence[LeaseKey], holder: Holder) -> set[LeaseKey]:
    """Prolong leases by (campaign_id, lease_epoch) and return those that still hold."""
    if not keys:
        return set()
    campaign_ids = [campaign_id for campaign_id, _ in keys]
    cursor.execute(RENEW, (holder.microseconds, campaign_ids, keys, holder.owner))
    cursor.execute(SELECT_HELD, (campaign_ids, holder.owner))
    return {(row[0], row[1]) for row in cursor.fetchall()}.intersection(keys)


def release(cursor: Cursor, keys: Sequence[LeaseKey], owner: str) -> None:
    """Give leases back, so that another scheduler takes the campaigns at once."""
    if keys:
        campaign_ids = [campaign_id for campaign_id, _ in keys]
        cursor.execute(RELEASE, (campaign_ids, keys, owner))
