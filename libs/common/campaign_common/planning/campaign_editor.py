"""Editor of campaigns: creates them, and changes those that have not started.

Every method works inside the caller's transaction and may be repeated after a lost COMMIT.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from campaign_common.database import Cursor
from campaign_common.domain.campaign import NOT_STARTED, CampaignId, CampaignState
from campaign_common.domain.template import Template
from campaign_common.errors import TemplateInvalid
from campaign_common.planning.errors import ListDeleted, PlanInvalid, TemplateUnfit
from campaign_common.planning.provider_fit import require_length, require_provider
from campaign_common.planning.requests import NewCampaign
from campaign_common.planning.stored_plans import append_created, is_due_at, locked_plan, refused
from campaign_common.settings import Settings
from campaign_common.store.campaigns import plans
from campaign_common.store.campaigns.plans import CampaignPlan, Identity, StoredPlan
from campaign_common.store.core.events import append_event
from campaign_common.store.recipients.recipient_lists import hold_list

SUBJECT = "message_template"
"""Prefix of template errors: the name of the field in POST /v1/camp/create."""


def new_identity(cursor: Cursor) -> Identity:
    """Choose the id of a campaign before the transaction that creates it."""
    return Identity(plans.free_id(cursor), secrets.token_hex(32))


class CampaignEditor:
    """Creates, changes and deletes campaigns; `settings` has the defaults and limits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def create(
        self,
        cursor: Cursor,
        identity: Identity,
        wanted: NewCampaign,
        actor: str,
        traceparent: str,
    ) -> CampaignId:
        """Create a campaign and return its id.

        The campaign belongs to the trace of `traceparent`, here and in other changes.

        Raises:
            TemplateUnfit: the template does not fit the list.
            PlanInvalid: there is no such list, or the provider is not configured.
        """
        plan = CampaignPlan(
            name=wanted.name,
            template=wanted.template,
            list_id=wanted.recipient_list_id,
            expires_after=wanted.expires_after,
            delivery=wanted.delivery or self._settings.delivery,
            provider=wanted.provider or self._settings.provider,
        )
        self._check(cursor, plan)
        made = plans.insert_plan(cursor, identity, plan, wanted.scheduled_at, traceparent)
        return append_created(cursor, made, wanted.scheduled_at, actor, "created")

    def clone(
        self, cursor: Cursor, identity: Identity, campaign_id: CampaignId, actor: str
    ) -> CampaignId:
        """Create a draft like a campaign and return its id; raise what `create` raises.

        Raises:
            CampaignUnknown: there is no such campaign.
            ListDeleted: its recipient list has been deleted.
        """
        original = locked_plan(cursor, campaign_id).plan
        if hold_list(cursor, original.list_id) is None:
            raise ListDeleted(f"the recipient list of campaign {campaign_id} is deleted")
        self._check(cursor, original)
        made = plans.insert_plan(cursor, identity, original, None)
        return append_created(cursor, made, None, actor, f"clone of {campaign_id}")

    def change(
        self,
        cursor: Cursor,
        campaign_id: CampaignId,
        changes: Mapping[str, Any],
        actor: str,
        traceparent: str,
        require_match: Callable[[Cursor], None],
    ) -> list[str]:
        """Change fields of a campaign, named as in POST /v1/campaigns; return those that differed.

        What is so already needs no match and changes nothing (RFC 9110, 13.1.1).

        Raises:
            CampaignUnknown: there is no such campaign.
            TransitionRefused: it has started, or is over.
            PreconditionFailed: by `require_match`.
            TemplateUnfit, PlanInvalid: as for `create`.
        """
        stored = locked_plan(cursor, campaign_id)
        if stored.state not in NOT_STARTED:
            raise refused("a change", stored.state)
        fields = dict(changes)
        moment = fields.pop("scheduled_at", None)
        if "recipient_list_id" in fields:
            fields["list_id"] = fields.pop("recipient_list_id")
        plan = stored.plan._replace(**fields)
        changed = [name for name in changes if _differs(name, stored, plan, moment)]
        if not changed:
            return []
        require_match(cursor)
        self._check(cursor, plan)
        plans.change_plan(cursor, campaign_id, plan)
        if moment is not None:
            plans.schedule(cursor, campaign_id, moment, traceparent)
        after = stored.state if moment is None else CampaignState.SCHEDULED
        append_event(
            cursor,
            campaign_id,
            actor,
            from_state=stored.state,
            to_state=after,
            reason=f"changed {', '.join(changed)}",
        )
        return changed

    def delete(
        self,
        cursor: Cursor,
        campaign_id: CampaignId,
        actor: str,
        require_match: Callable[[Cursor], None],
    ) -> None:
        """Delete a campaign that has not started; return if it is deleted already.

        Raises:
            TransitionRefused: it has started, or is over.
            PreconditionFailed: by `require_match`.
        """
        stored = plans.lock_plan(cursor, campaign_id)
        if stored is None:
            return
        if stored.state not in NOT_STARTED:
            raise refused("deletion", stored.state)
        require_match(cursor)
        plans.delete_plan(cursor, campaign_id)
        append_event(
            cursor, campaign_id, actor, from_state=stored.state, to_state=None, reason="deleted"
        )

    def _check(self, cursor: Cursor, plan: CampaignPlan) -> None:
        longest = self._settings.api.max_template_length
        if len(plan.template) > longest:
            raise PlanInvalid("template", f"must have at most {longest} characters")
        require_provider(self._settings, plan.provider)
        recipients = hold_list(cursor, plan.list_id)
        if recipients is None:
            raise PlanInvalid("recipient_list_id", f"there is no list {plan.list_id} that is ready")
        try:
            template = Template.compile(plan.template)
            template.require(recipients.columns)
        except TemplateInvalid as error:
            message = str(error).removeprefix(SUBJECT).lstrip(", ")
            raise TemplateUnfit("template", message) from error
        require_length(self._settings, plan.provider, template)


def _differs(name: str, stored: StoredPlan, plan: CampaignPlan, moment: datetime | None) -> bool:
    if name == "scheduled_at":
        return moment is not None and not is_due_at(stored, moment)
    field = "list_id" if name == "recipient_list_id" else name
    return bool(getattr(stored.plan, field) != getattr(plan, field))
