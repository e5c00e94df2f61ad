"""Scheduling of campaigns that have not started.

Both functions work inside the caller's transaction and may be repeated after a lost COMMIT.
"""

from datetime import datetime

from campaign_common.database import Cursor
from campaign_common.domain.campaign import NOT_STARTED, CampaignId, CampaignState, Transition
from campaign_common.planning.stored_plans import is_due, is_due_at, locked_plan, refused
from campaign_common.store.campaigns import plans
from campaign_common.store.campaigns.plans import StoredPlan
from campaign_common.store.core.events import append_event

_AS_STARTED = frozenset({CampaignState.RUNNING, CampaignState.FINISHED})
"""States after a start; a small campaign may have finished before its start is repeated."""


def schedule(
    cursor: Cursor,
    campaign_id: CampaignId,
    *,
    moment: datetime,
    time_zone: str | None,
    actor: str,
    traceparent: str,
) -> bool:
    """Schedule a campaign for `moment`, or for now if it is past; return whether that is a change.

    Without a time zone the campaign keeps that which it has.

    Raises:
        CampaignUnknown: there is no such campaign.
        TransitionRefused: it has started otherwise, or is over.
    """
    stored = locked_plan(cursor, campaign_id)
    is_same_zone = time_zone in {None, stored.plan.time_zone}
    if is_due_at(stored, moment) and (
        stored.state in _AS_STARTED or (stored.state is CampaignState.SCHEDULED and is_same_zone)
    ):
        return False
    if stored.state not in NOT_STARTED:
        raise refused(Transition.SCHEDULE, stored.state)
    plans.schedule(cursor, campaign_id, moment, traceparent)
    if time_zone is not None:
        plans.change_time_zone(cursor, campaign_id, time_zone)
    _note_schedule(cursor, campaign_id, stored, actor)
    return True


def start(cursor: Cursor, campaign_id: CampaignId, actor: str, traceparent: str) -> bool:
    """Make a campaign due now, so that a scheduler starts it; return whether that is a change.

    Raises:
        CampaignUnknown: there is no such campaign.
        TransitionRefused: it is paused, cancelled or failed.
    """
    stored = locked_plan(cursor, campaign_id)
    if stored.state in _AS_STARTED or is_due(stored):
        return False
    if stored.state not in NOT_STARTED:
        raise refused(Transition.START, stored.state)
    plans.start_now(cursor, campaign_id, traceparent)
    _note_schedule(cursor, campaign_id, stored, actor)
    return True


def _note_schedule(cursor: Cursor, campaign_id: CampaignId, stored: StoredPlan, actor: str) -> None:
    append_event(
        cursor,
        campaign_id,
        actor,
        from_state=stored.state,
        to_state=CampaignState.SCHEDULED,
        reason="given another time" if stored.state is CampaignState.SCHEDULED else None,
    )
