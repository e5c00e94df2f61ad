"""Stored plans: locking them, and what every change to one notes and refuses."""

from datetime import UTC, datetime

from campaign_common.database import Cursor
from campaign_common.domain.campaign import NOT_STARTED, CampaignId, CampaignState, allowed
from campaign_common.errors import TransitionRefused
from campaign_common.planning.errors import CampaignStarted, CampaignUnknown, PlanInvalid
from campaign_common.store.campaigns import plans
from campaign_common.store.campaigns.plans import CampaignPlan, Made, StoredPlan
from campaign_common.store.core.events import append_event


def locked_plan(cursor: Cursor, campaign_id: CampaignId) -> StoredPlan:
    """Read a campaign's plan and keep others from changing it until the transaction ends.

    Raises:
        CampaignUnknown: there is no such campaign.
    """
    stored = plans.lock_plan(cursor, campaign_id)
    if stored is None:
        raise CampaignUnknown(f"there is no campaign {campaign_id}")
    return stored


def append_created(
    cursor: Cursor, made: Made, scheduled_at: datetime | None, actor: str, reason: str
) -> CampaignId:
    """Append the event of a new campaign; return its id."""
    if made.is_new:
        state = CampaignState.DRAFT if scheduled_at is None else CampaignState.SCHEDULED
        append_event(cursor, made.id, actor, from_state=None, to_state=state, reason=reason)
    return made.id


def require_not_started(campaign_id: CampaignId, state: CampaignState) -> None:
    """Refuse a request for a campaign that has started.

    Raises:
        CampaignStarted: it has started, or is over.
    """
    if state not in NOT_STARTED:
        raise CampaignStarted(
            f"campaign {campaign_id} is {state.value} and can no longer be changed"
        )


def require_budget_known(plan: CampaignPlan) -> None:
    """Refuse a plan whose budget was lost in a roll-back, and not given again.

    Raises:
        PlanInvalid: says so.
    """
    if plan.has_lost_budget and plan.budget is None:
        raise PlanInvalid("budget", "was lost in a roll-back to an older release; give one")


def refused(asked: str, state: CampaignState) -> TransitionRefused:
    """Return the error for a change that `state` does not allow."""
    return TransitionRefused(asked, state.value, allowed(state))


def is_due(stored: StoredPlan) -> bool:
    """Return whether a campaign is scheduled for a time that is past."""
    return (
        stored.state is CampaignState.SCHEDULED
        and stored.scheduled_at is not None
        and stored.scheduled_at <= stored.now
    )


def is_due_at(stored: StoredPlan, moment: datetime) -> bool:
    """Return whether a campaign has this start time, or both times are in the past."""
    wanted = moment.astimezone(UTC).replace(tzinfo=None)
    return stored.scheduled_at == wanted or (is_due(stored) and wanted <= stored.now)
