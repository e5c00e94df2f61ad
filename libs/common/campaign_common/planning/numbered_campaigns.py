"""Numbered campaigns: their clients choose the id, and send the list with the request."""

from enum import StrEnum

from campaign_common.database import Cursor
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.content.campaign_content import (
    CampaignContent,
    CompiledContent,
    TextContent,
)
from campaign_common.planning.errors import CampaignBusy, ImportAbandoned
from campaign_common.planning.provider_fit import (
    currency_for,
    require_length,
    require_support,
)
from campaign_common.planning.requests import NumberedCampaign
from campaign_common.planning.stored_plans import (
    append_created,
    locked_plan,
    require_budget_known,
    require_not_started,
)
from campaign_common.planning.unsubscribe_links import require_columns
from campaign_common.settings import Settings
from campaign_common.store.campaigns import plans
from campaign_common.store.campaigns.plans import CampaignPlan, Made
from campaign_common.store.core.events import append_event
from campaign_common.store.recipients.ready_lists import make_ready
from campaign_common.store.recipients.recipient_lists import RecipientList, discard_list


class Planned(StrEnum):
    """The effect of a request for a numbered campaign."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class NumberedCampaigns:
    """Creation of numbered campaigns, and changes to those that have not started.

    `settings` has the defaults. Works inside the caller's transaction and may be repeated after
    a lost COMMIT.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def require_fit(self, wanted: NumberedCampaign) -> None:
        """Refuse a campaign that the configured provider cannot send.

        Raises:
            TemplateInvalid: the template is malformed.
            PlanInvalid: the provider takes no texts, or only shorter ones.
        """
        content = TextContent(wanted.template)
        require_support(self._settings, self._settings.provider, CampaignContent(content))
        require_length(self._settings, self._settings.provider, CompiledContent(content))

    def take_in(
        self,
        cursor: Cursor,
        wanted: NumberedCampaign,
        imported: RecipientList,
        actor: str,
        traceparent: str,
    ) -> Planned:
        """Create a numbered campaign or change it, and make its imported list ready with it.

        The template was checked against the columns of the list before it was imported. What the
        campaign has by later changes, and `wanted` does not say, stays.

        Raises:
            CampaignStarted: the campaign has started and `wanted` differs from it.
            PlanInvalid: the provider does not take the campaign's own originator any more, or has
                no price for its budget, or that was lost in a roll-back.
            CampaignBusy: other requests are changing it; this one may be repeated.
            ImportAbandoned: the list was given up meanwhile.
        """
        stored = plans.lock_request(cursor, wanted.id)
        if stored is None:
            self._make_ready(cursor, imported)
            plan = self._plan_of(wanted, imported)
            moment = wanted.scheduled_at
            if plans.insert_numbered(cursor, wanted.id, wanted.digest, plan, moment, traceparent):
                append_created(cursor, Made(wanted.id, is_new=True), moment, actor, "created")
                return Planned.CREATED
            # Another request inserted it between the look above and now.
            stored = plans.lock_request(cursor, wanted.id)
            if stored is None:
                raise CampaignBusy(f"campaign {wanted.id} is changing; send the request again")
        if stored.list_id == imported.id:
            return Planned.CREATED
        if stored.digest == wanted.digest and stored.list_sha256 == imported.sha256:
            discard_list(cursor, imported.id)
            return Planned.UNCHANGED
        require_not_started(wanted.id, stored.state)
        self._make_ready(cursor, imported)
        before = locked_plan(cursor, wanted.id).plan
        require_budget_known(before)
        plan = self._plan_of(wanted, imported)._replace(
            expires_after=before.expires_after,
            max_rate=before.max_rate,
            priority=before.priority,
            topic=before.topic,
            time_zone=before.time_zone,
            budget=before.budget,
        )
        plan = plan._replace(
            budget_currency=currency_for(self._settings, plan.provider, plan.budget)
        )
        if plan.provider == before.provider:
            plan = plan._replace(originator=before.originator)
            kept = CampaignContent(plan.content, plan.originator)
            require_support(self._settings, plan.provider, kept)
        plans.change_plan(cursor, wanted.id, plan, wanted.digest)
        plans.schedule(cursor, wanted.id, wanted.scheduled_at, traceparent, wanted.digest)
        append_event(
            cursor,
            wanted.id,
            actor,
            from_state=stored.state,
            to_state=CampaignState.SCHEDULED,
            reason="changed by a new request",
        )
        discard_list(cursor, stored.list_id)
        return Planned.CHANGED

    def _plan_of(self, wanted: NumberedCampaign, imported: RecipientList) -> CampaignPlan:
        content = TextContent(wanted.template)
        columns = imported.columns
        return CampaignPlan(
            name=wanted.name,
            content=content,
            list_id=imported.id,
            expires_after=None,
            delivery=self._settings.delivery,
            provider=self._settings.provider,
            takes_route=self._settings.provider in self._settings.routes,
            link_base_url=require_columns(self._settings, CompiledContent(content), columns),
        )

    def _make_ready(self, cursor: Cursor, imported: RecipientList) -> None:
        if not make_ready(cursor, imported, self._settings.msg_table_sharding_size):
            raise ImportAbandoned("the import stood still for too long; send the request again")
