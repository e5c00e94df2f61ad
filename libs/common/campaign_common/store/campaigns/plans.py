"""campaigns: the plan of one, until it starts, and the pace of one that runs."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from pymysql.constants import ER
from pymysql.cursors import Cursor
from pymysql.err import IntegrityError

from campaign_common.domain.campaign import CampaignId, CampaignState, Delivery
from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.campaign_content import CampaignContent, Content
from campaign_common.domain.limits.campaign_pace import DEFAULT_PRIORITY, CampaignPace
from campaign_common.domain.recipient import ListId
from campaign_common.store.core.budgets import (
    change_budget,
    delete_budget,
    insert_budget,
    read_budget,
)
from campaign_common.store.core.campaigns import was_purged
from campaign_common.store.core.contents import content_from, stored_content


class CampaignPlan(NamedTuple):
    """The plan of a campaign; `expires_after` in seconds from its start."""

    name: str
    content: Content
    list_id: ListId
    expires_after: int | None
    delivery: Delivery
    provider: str
    originator: str | None = None
    takes_route: bool = False
    """The provider is the name of a route."""
    max_rate: Decimal | None = None
    priority: int = DEFAULT_PRIORITY
    budget: Decimal | None = None
    budget_currency: str | None = None
    """Currency of the budget, if there is one: that of the provider's price."""
    has_lost_budget: bool = False
    """It has a budget whose row a roll-back dropped: used up, until an amount is given."""
    topic: str | None = None
    """Subject of its messages, for suppressions of that topic; None: it has none."""
    time_zone: str | None = None
    """IANA name of the zone in which its start was planned, for those who see it; None: none."""
    link_base_url: str | None = None
    """Beginning of the links by which recipients unsubscribe; None: its messages have none."""

    @property
    def pace(self) -> CampaignPace:
        """Its own rate and its priority."""
        return CampaignPace(self.max_rate, self.priority)

    @property
    def money(self) -> Budget | None:
        """The budget with its currency; None: there is none."""
        if self.budget is None or self.budget_currency is None:
            return None
        return Budget(self.budget, self.budget_currency)


class Identity(NamedTuple):
    """A campaign that is being made: the first id that it may get, and whose work it is.

    `mark` (64 characters) tells who made a campaign, so that making it may be repeated.
    """

    first_id: int
    mark: str


class Made(NamedTuple):
    """A campaign that was made: just now, or by an earlier run of the same work."""

    id: CampaignId
    is_new: bool


class StoredPlan(NamedTuple):
    """A plan as it stands, read at `now` by the database's clock; times are UTC, naive."""

    plan: CampaignPlan
    state: CampaignState
    scheduled_at: datetime | None
    now: datetime


class StoredCampaignRequest(NamedTuple):
    """The request that a campaign came from, as far as another may repeat or contradict it.

    Without a digest the campaign has been changed since.
    """

    state: CampaignState
    list_id: ListId
    digest: str | None
    list_sha256: str | None


LOWEST_ID = 2**40
"""Ids below it are chosen by clients of POST /v1/camp/create."""

# A clock that is wrong by years must not lead below.
FREE_ID = f"SELECT {LOWEST_ID} + GREATEST(TIMESTAMPDIFF(MICROSECOND, '2026-01-01', NOW(6)), 0)"

INSERT_PLAN = """
INSERT INTO campaigns (id, request_digest, name, template, content, list_id, expires_after,
                       delivery, provider, max_rate, priority, topic, time_zone, state,
                       scheduled_at, traceparent, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
        GREATEST(CAST(%s AS DATETIME(6)), NOW(6)), %s, NOW(6))
"""

DELETE_INSERTED = "DELETE FROM campaigns WHERE id = %s"

SELECT_MARK = "SELECT request_digest FROM campaigns WHERE id = %s"

SELECT_REQUEST = """
SELECT c.state, c.list_id, c.request_digest, l.sha256
FROM campaigns c LEFT JOIN recipient_lists l ON l.id = c.list_id
WHERE c.id = %s
"""

SELECT_PURGED = """
SELECT state, list_id, request_digest, list_sha256 FROM purged_campaigns WHERE id = %s
"""

LOCK_CAMPAIGN = "SELECT id FROM campaigns WHERE id = %s FOR UPDATE"

LOCK_PLAN = """
SELECT name, template, content, list_id, expires_after, delivery, provider, max_rate, priority,
       topic, time_zone, state, scheduled_at, NOW(6)
FROM campaigns WHERE id = %s FOR UPDATE
"""

CHANGE_PLAN = """
UPDATE campaigns SET name = %s, template = %s, content = %s, list_id = %s, expires_after = %s,
  delivery = %s, provider = %s, max_rate = %s, priority = %s, topic = %s, time_zone = %s,
  request_digest = %s
WHERE id = %s AND state IN ('draft', 'scheduled')
"""

CHANGE_PACE = """
UPDATE campaigns SET template = %s, content = %s, max_rate = %s, priority = %s
WHERE id = %s AND state IN ('running', 'paused')
"""

SCHEDULE = """
UPDATE campaigns SET state = 'scheduled', request_digest = %s,
  scheduled_at = GREATEST(CAST(%s AS DATETIME(6)), NOW(6)), traceparent = %s
WHERE id = %s AND state IN ('draft', 'scheduled')
"""

CHANGE_TIME_ZONE = """
UPDATE campaigns SET time_zone = %s WHERE id = %s AND state IN ('draft', 'scheduled')
"""

START_NOW = """
UPDATE campaigns SET state = 'scheduled', scheduled_at = NOW(6), traceparent = %s
WHERE id = %s AND state IN ('draft', 'scheduled')
"""

DELETE_PLAN = "DELETE FROM campaigns WHERE id = %s AND state IN ('draft', 'scheduled')"


def free_id(cursor: Cursor) -> CampaignId:
    """Return an id that is very likely free: 2^40 and the microseconds since 2026 (UTC)."""
    cursor.execute(FREE_ID)
    ((found,),) = cursor.fetchall()
    return CampaignId(int(found))


def insert_plan(
    cursor: Cursor,
    identity: Identity,
    plan: CampaignPlan,
    scheduled_at: datetime | None,
    traceparent: str | None = None,
) -> Made:
    """Make a campaign of the first free id, a draft where it has no time yet.

    `traceparent` is the request, here and below, as the parent of what comes of it.

    May be repeated when it is unknown whether it was committed: the campaign that is there
    already is found by its mark.
    """
    for campaign_id in map(CampaignId, count(identity.first_id)):
        if insert_numbered(cursor, campaign_id, identity.mark, plan, scheduled_at, traceparent):
            return Made(campaign_id, is_new=True)
        if _is_marked(cursor, campaign_id, identity.mark):
            return Made(campaign_id, is_new=False)
    raise AssertionError("ids do not end")


def insert_numbered(
    cursor: Cursor,
    campaign_id: CampaignId,
    digest: str,
    plan: CampaignPlan,
    scheduled_at: datetime | None,
    traceparent: str | None,
) -> bool:
    """Make a campaign of this id; return False if there is one already, or was a purged one."""
    state = CampaignState.DRAFT if scheduled_at is None else CampaignState.SCHEDULED
    time = _stored_time(scheduled_at)
    try:
        cursor.execute(
            INSERT_PLAN, (campaign_id, digest, *_columns(plan), state.value, time, traceparent)
        )
    except IntegrityError as error:
        if error.args[0] == ER.DUP_ENTRY:
            return False
        raise
    # Read after the row is locked: a purge of that id has ended by then, or never was.
    if was_purged(cursor, campaign_id):
        cursor.execute(DELETE_INSERTED, (campaign_id,))
        return False
    insert_budget(cursor, campaign_id, plan.money)
    return True


def read_request(cursor: Cursor, campaign_id: CampaignId) -> StoredCampaignRequest | None:
    """Read the request of a campaign, or of a purged one; None when there never was one."""
    return _read_request(cursor, SELECT_REQUEST, campaign_id) or _read_request(
        cursor, SELECT_PURGED, campaign_id
    )


def lock_request(cursor: Cursor, campaign_id: CampaignId) -> StoredCampaignRequest | None:
    """Read what `read_request` does, and keep the campaign until the transaction ends."""
    is_there = cursor.execute(LOCK_CAMPAIGN, (campaign_id,))
    return _read_request(cursor, SELECT_REQUEST if is_there else SELECT_PURGED, campaign_id)


def lock_plan(cursor: Cursor, campaign_id: CampaignId) -> StoredPlan | None:
    """Read a campaign's plan and keep others from changing it until the transaction ends."""
    cursor.execute(LOCK_PLAN, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    name, template, content, list_id, expires_after, delivery, provider, *others = row
    max_rate, priority, topic, time_zone, state, scheduled_at, now = others
    stored = content_from(template, content)
    budget = read_budget(cursor, campaign_id)
    plan = CampaignPlan(
        name,
        stored.content,
        list_id,
        expires_after,
        Delivery(delivery),
        provider,
        stored.originator,
        stored.takes_route,
        max_rate,
        priority,
        None if budget is None else budget.amount,
        None if budget is None else budget.currency,
        has_lost_budget=stored.has_budget and budget is None,
        topic=topic,
        time_zone=time_zone,
        link_base_url=stored.link_base_url,
    )
    return StoredPlan(plan, CampaignState(state), scheduled_at, now)


def change_plan(
    cursor: Cursor, campaign_id: CampaignId, plan: CampaignPlan, digest: str | None = None
) -> None:
    """Change the plan of a locked campaign that has not started.

    One that has lost its budget keeps the mark of a budget until it has an amount again.
    `digest` is that of the request that the campaign is as a whole after this, if there is one.
    """
    cursor.execute(CHANGE_PLAN, (*_columns(plan), digest, campaign_id))
    change_budget(cursor, campaign_id, plan.money)


def change_pace(cursor: Cursor, campaign_id: CampaignId, plan: CampaignPlan) -> None:
    """Change the rate and the priority of a locked campaign that runs or is paused.

    Its content is stored as that of a campaign with a rate, or without one. That it has a budget
    stays in it, also where the budget was lost.
    """
    stored = stored_content(_content(plan))
    cursor.execute(CHANGE_PACE, (*stored, *plan.pace, campaign_id))


def schedule(
    cursor: Cursor,
    campaign_id: CampaignId,
    moment: datetime,
    traceparent: str | None = None,
    digest: str | None = None,
) -> None:
    """Set the start of a locked campaign that has not started; a past one means now.

    `digest` is as for `change_plan`.
    """
    cursor.execute(SCHEDULE, (digest, _stored_time(moment), traceparent, campaign_id))


def change_time_zone(cursor: Cursor, campaign_id: CampaignId, time_zone: str) -> None:
    """Note the time zone in which a locked campaign that has not started was planned."""
    cursor.execute(CHANGE_TIME_ZONE, (time_zone, campaign_id))


def start_now(cursor: Cursor, campaign_id: CampaignId, traceparent: str | None = None) -> None:
    """Set a locked campaign that has not started due at once."""
    cursor.execute(START_NOW, (traceparent, campaign_id))


def delete_plan(cursor: Cursor, campaign_id: CampaignId) -> None:
    """Delete a locked campaign that has not started; its events stay."""
    cursor.execute(DELETE_PLAN, (campaign_id,))
    delete_budget(cursor, campaign_id)


def _content(plan: CampaignPlan) -> CampaignContent:
    return CampaignContent(
        plan.content,
        plan.originator,
        plan.takes_route,
        has_rate=plan.max_rate is not None,
        has_budget=plan.money is not None or plan.has_lost_budget,
        link_base_url=plan.link_base_url,
    )


def _columns(plan: CampaignPlan) -> tuple[object, ...]:
    """Return the columns of a plan, from `name` to `time_zone`."""
    return (
        plan.name,
        *stored_content(_content(plan)),
        plan.list_id,
        plan.expires_after,
        plan.delivery,
        plan.provider,
        *plan.pace,
        plan.topic,
        plan.time_zone,
    )


def _stored_time(moment: datetime | None) -> str | None:
    """Write an aware time as the database reads it, in UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _is_marked(cursor: Cursor, campaign_id: CampaignId, mark: str) -> bool:
    cursor.execute(SELECT_MARK, (campaign_id,))
    row = cursor.fetchone()
    return row is not None and row[0] == mark


def _read_request(
    cursor: Cursor, statement: str, campaign_id: CampaignId
) -> StoredCampaignRequest | None:
    cursor.execute(statement, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    state, list_id, digest, list_sha256 = row
    return StoredCampaignRequest(CampaignState(state), list_id, digest, list_sha256)
