"""Editor of campaigns: creates them, and changes them.

Of a campaign that has started, `LIVE_FIELDS` can be changed and nothing else.

Every method works inside the caller's transaction and may be repeated after a lost COMMIT.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from campaign_common.database import Cursor, Databases, Proof
from campaign_common.domain.campaign import NOT_STARTED, CampaignId, CampaignState
from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.campaign_content import (
    CampaignContent,
    CompiledContent,
    field_of,
    length_of,
    subject_of,
)
from campaign_common.domain.limits.campaign_pace import DEFAULT_PRIORITY
from campaign_common.errors import TemplateInvalid
from campaign_common.planning.errors import ListDeleted, PlanInvalid, TemplateUnfit
from campaign_common.planning.provider_fit import (
    currency_for,
    require_length,
    require_support,
)
from campaign_common.planning.requests import NewCampaign
from campaign_common.planning.stored_plans import (
    append_created,
    is_due_at,
    locked_plan,
    refused,
    require_budget_known,
)
from campaign_common.planning.unsubscribe_links import require_columns
from campaign_common.settings import Settings
from campaign_common.store.campaigns import plans
from campaign_common.store.campaigns.plans import CampaignPlan, Identity, StoredPlan
from campaign_common.store.campaigns.transitions import restart_fanout
from campaign_common.store.core.budgets import change_budget, restore_budget
from campaign_common.store.core.costs import read_costs
from campaign_common.store.core.events import append_event
from campaign_common.store.recipients.recipient_lists import hold_list

_PLAN_FIELDS = {"template": "content", "recipient_list_id": "list_id", "from": "originator"}
"""Fields of a plan that have another name in POST /v1/campaigns."""

LIVE = frozenset({CampaignState.RUNNING, CampaignState.PAUSED})

LIVE_FIELDS = frozenset({"max_rate", "priority", "budget"})
"""Fields that may be changed while a campaign is `LIVE`."""


def new_identity(cursor: Cursor) -> Identity:
    """Choose the id of a campaign before the transaction that creates it."""
    return Identity(plans.free_id(cursor), secrets.token_hex(32))


class CampaignEditor:
    """Editor that creates, changes and deletes campaigns.

    `databases`: the main one, of the transactions, and those of the shards, which know what a
    campaign has cost. `settings` has the defaults and limits.
    """

    def __init__(self, databases: Databases, settings: Settings) -> None:
        self._databases = databases
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
            PlanInvalid: there is no such list, or the provider is not configured, or does not take
                the content.
        """
        plan = CampaignPlan(
            name=wanted.name,
            content=wanted.content,
            list_id=wanted.recipient_list_id,
            expires_after=wanted.expires_after,
            delivery=wanted.delivery or self._settings.delivery,
            provider=wanted.provider or self._settings.provider,
            originator=wanted.originator,
            max_rate=wanted.max_rate,
            priority=wanted.priority or DEFAULT_PRIORITY,
            budget=wanted.budget,
            topic=wanted.topic,
            time_zone=wanted.time_zone,
        )
        plan = self._checked(cursor, plan)
        made = plans.insert_plan(cursor, identity, plan, wanted.scheduled_at, traceparent)
        return append_created(cursor, made, wanted.scheduled_at, actor, "created")

    def clone(
        self, cursor: Cursor, identity: Identity, campaign_id: CampaignId, actor: str
    ) -> CampaignId:
        """Create a draft like a campaign and return its id; raise what `create` raises.

        Raises:
            CampaignUnknown: there is no such campaign.
            ListDeleted: its recipient list has been deleted.
            PlanInvalid: as for `create`; or its budget was lost in a roll-back.
        """
        original = locked_plan(cursor, campaign_id).plan
        if hold_list(cursor, original.list_id) is None:
            raise ListDeleted(f"the recipient list of campaign {campaign_id} is deleted")
        plan = self._checked(cursor, original)
        made = plans.insert_plan(cursor, identity, plan, None)
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

        The value of `template` is its content. The fields in `LIVE_FIELDS` alone may be changed
        while the campaign runs or is paused, too.

        What is so already needs no match and changes nothing (RFC 9110, 13.1.1).

        Raises:
            CampaignUnknown: there is no such campaign.
            TransitionRefused: it has started, and other fields than LIVE_FIELDS are to change, or
                it is over.
            PreconditionFailed: by `require_match`.
            TemplateUnfit, PlanInvalid: as for `create`; or a campaign that has started would get
                its first budget, or lose it; or that of one that has not was lost in a roll-back,
                and is not given again.
            RetryLater: the budget was lost, and a database is away that knows what is spent of it.
        """
        stored = locked_plan(cursor, campaign_id)
        is_live = stored.state in LIVE and bool(changes) and LIVE_FIELDS.issuperset(changes)
        if stored.state not in NOT_STARTED and not is_live:
            raise refused("a change", stored.state)
        moment = changes.get("scheduled_at")
        fields = {
            _PLAN_FIELDS.get(name, name): value
            for name, value in changes.items()
            if name != "scheduled_at"
        }
        plan = stored.plan._replace(**fields)
        changed = [name for name in changes if _differs(name, stored, plan, moment)]
        if not changed:
            return []
        require_match(cursor)
        if is_live:
            self._change_live(cursor, campaign_id, stored.plan, plan)
        else:
            plans.change_plan(cursor, campaign_id, self._checked(cursor, plan))
        if moment is not None:
            plans.schedule(cursor, campaign_id, moment, traceparent)
        after = stored.state if moment is None else CampaignState.SCHEDULED
        append_event(
            cursor,
            campaign_id,
            actor,
            from_state=stored.state,
            to_state=after,
            reason=_described(changed, plan),
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

    def _checked(self, cursor: Cursor, plan: CampaignPlan) -> CampaignPlan:
        """Check a plan; return it with what follows from its content, list and provider."""
        require_budget_known(plan)
        longest = self._settings.api.max_template_length
        if length_of(plan.content) > longest:
            raise PlanInvalid(subject_of(plan.content), f"must have at most {longest} characters")
        wanted = CampaignContent(plan.content, plan.originator)
        require_support(self._settings, plan.provider, wanted)
        recipients = hold_list(cursor, plan.list_id)
        if recipients is None:
            raise PlanInvalid("recipient_list_id", f"there is no list {plan.list_id} that is ready")
        try:
            content = CompiledContent(plan.content)
            link_base_url = require_columns(self._settings, content, recipients.columns)
        except TemplateInvalid as error:
            raise TemplateUnfit(field_of(error), error.reason) from error
        require_length(self._settings, plan.provider, content)
        return plan._replace(
            takes_route=plan.provider in self._settings.routes,
            link_base_url=link_base_url,
            budget_currency=currency_for(self._settings, plan.provider, plan.budget),
        )

    def _change_live(
        self, cursor: Cursor, campaign_id: CampaignId, before: CampaignPlan, plan: CampaignPlan
    ) -> None:
        """Change the fields of a campaign that has started: its budget, and its pace."""
        if plan.budget != before.budget:
            if before.has_lost_budget:
                currency = currency_for(self._settings, plan.provider, plan.budget)
                plan = plan._replace(budget_currency=currency)
            budget = plan.money
            if budget is None:
                raise PlanInvalid(
                    "budget", "must be there before the start; then it can be changed only"
                )
            if before.has_lost_budget:
                self._restore_budget(cursor, campaign_id, budget)
            else:
                change_budget(cursor, campaign_id, budget)
        if plan.pace != before.pace:
            plans.change_pace(cursor, campaign_id, plan)

    def _restore_budget(self, cursor: Cursor, campaign_id: CampaignId, budget: Budget) -> None:
        """Give a budget again that was lost in a roll-back; what is known to be spent is taken.

        Messages that senders admitted while it was lost are published again, as they know neither
        its currency nor whether their provider has a price in it.
        """
        with self._databases.reading(cursor, Proof.NOW) as cursors:
            costs = read_costs(cursors, campaign_id)
        spent = sum((one.amount for one in costs if one.currency == budget.currency), Decimal())
        restore_budget(cursor, campaign_id, budget, spent)
        restart_fanout(cursor, campaign_id)


def _described(changed: Sequence[str], plan: CampaignPlan) -> str:
    """Describe a change for the history: the fields, with the values of those that may be live."""
    words = [f"{name} to {_value(plan, name)}" if name in LIVE_FIELDS else name for name in changed]
    return f"changed {', '.join(words)}"


def _value(plan: CampaignPlan, name: str) -> str:
    value = getattr(plan, name)
    return "none" if value is None else f"{Decimal(value).normalize():f}"


def _differs(name: str, stored: StoredPlan, plan: CampaignPlan, moment: datetime | None) -> bool:
    if name == "scheduled_at":
        return moment is not None and not is_due_at(stored, moment)
    field = _PLAN_FIELDS.get(name, name)
    return bool(getattr(stored.plan, field) != getattr(plan, field))
