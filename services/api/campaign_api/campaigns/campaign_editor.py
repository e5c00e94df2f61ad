"""Editor of campaigns: creates them, and changes those that have not started.

Every method works inside the caller's transaction and may be repeated after a lost COMMIT.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from campaign_api.campaigns.actions import Action, action_refused
from campaign_api.campaigns.campaign_reader import unknown
from campaign_api.campaigns.campaign_requests import NewCampaign
from campaign_api.errors import InvalidField, ListDeleted, RequestInvalid, TemplateRefused
from campaign_common.database import Cursor
from campaign_common.domain.campaign import NOT_STARTED, CampaignState
from campaign_common.domain.template import Template
from campaign_common.errors import TemplateInvalid
from campaign_common.settings import Settings
from campaign_common.store.campaigns import drafts
from campaign_common.store.campaigns.drafts import CampaignPlan, Identity, Made, StoredPlan
from campaign_common.store.core.events import append_event
from campaign_common.store.recipients.recipient_lists import hold_list

SUBJECT = "message_template"
"""Prefix of template errors: the name of the field in POST /v1/camp/create."""


_AS_STARTED = frozenset({CampaignState.RUNNING, CampaignState.FINISHED})
"""States after a start; a small campaign may have finished before its start is repeated."""


def new_identity(cursor: Cursor) -> Identity:
    """Choose the id of a campaign before the transaction that creates it."""
    return Identity(drafts.free_id(cursor), secrets.token_hex(32))


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
    ) -> int:
        """Create a campaign and return its id.

        The campaign belongs to the trace of `traceparent`, here and in other changes.

        Raises:
            TemplateRefused: the template does not fit the list.
            RequestInvalid: there is no such list, or the provider is not configured.
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
        made = drafts.insert_plan(cursor, identity, plan, wanted.scheduled_at, traceparent)
        return _append_created(cursor, made, wanted.scheduled_at, actor, "created")

    def clone(self, cursor: Cursor, identity: Identity, campaign_id: int, actor: str) -> int:
        """Create a draft like a campaign and return its id; raise what `create` raises.

        Raises:
            CampaignUnknown: there is no such campaign.
            ListDeleted: its recipient list has been deleted.
        """
        original = _locked(cursor, campaign_id).plan
        if hold_list(cursor, original.list_id) is None:
            raise ListDeleted(f"the recipient list of campaign {campaign_id} is deleted")
        self._check(cursor, original)
        made = drafts.insert_plan(cursor, identity, original, None)
        return _append_created(cursor, made, None, actor, f"clone of {campaign_id}")

    def change(
        self,
        cursor: Cursor,
        campaign_id: int,
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
            TemplateRefused, RequestInvalid: as for `create`.
        """
        stored = _locked(cursor, campaign_id)
        if stored.state not in NOT_STARTED:
            raise action_refused("a change", stored.state)
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
        drafts.change_plan(cursor, campaign_id, plan)
        if moment is not None:
            drafts.schedule(cursor, campaign_id, moment, traceparent)
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
        campaign_id: int,
        actor: str,
        require_match: Callable[[Cursor], None],
    ) -> None:
        """Delete a campaign that has not started; return if it is deleted already.

        Raises:
            TransitionRefused: it has started, or is over.
            PreconditionFailed: by `require_match`.
        """
        stored = drafts.lock_plan(cursor, campaign_id)
        if stored is None:
            return
        if stored.state not in NOT_STARTED:
            raise action_refused("deletion", stored.state)
        require_match(cursor)
        drafts.delete_plan(cursor, campaign_id)
        append_event(
            cursor, campaign_id, actor, from_state=stored.state, to_state=None, reason="deleted"
        )

    def _check(self, cursor: Cursor, plan: CampaignPlan) -> None:
        longest = self._settings.api.max_template_length
        if len(plan.template) > longest:
            raise _wrong("template", f"must have at most {longest} characters")
        if plan.provider == "http" and self._settings.http.url is None:
            raise _wrong("provider", "http is not configured (Http.Url)")
        recipients = hold_list(cursor, plan.list_id)
        if recipients is None:
            raise _wrong("recipient_list_id", f"there is no list {plan.list_id} that is ready")
        try:
            Template.compile(plan.template).require(recipients.columns)
        except TemplateInvalid as error:
            message = str(error).removeprefix(SUBJECT).lstrip(", ")
            raise TemplateRefused([InvalidField("template", message)]) from error


def schedule(
    cursor: Cursor, campaign_id: int, moment: datetime, actor: str, traceparent: str
) -> bool:
    """Schedule a campaign for `moment`, or for now if it is past; return whether that is a change.

    Raises:
        CampaignUnknown: there is no such campaign.
        TransitionRefused: it has started otherwise, or is over.
    """
    stored = _locked(cursor, campaign_id)
    if _is_due_at(stored, moment) and stored.state in {CampaignState.SCHEDULED, *_AS_STARTED}:
        return False
    if stored.state not in NOT_STARTED:
        raise action_refused(Action.SCHEDULE, stored.state)
    drafts.schedule(cursor, campaign_id, moment, traceparent)
    _note_schedule(cursor, campaign_id, stored, actor)
    return True


def start(cursor: Cursor, campaign_id: int, actor: str, traceparent: str) -> bool:
    """Make a campaign due now, so that a scheduler starts it; return whether that is a change.

    Raises:
        CampaignUnknown: there is no such campaign.
        TransitionRefused: it is paused, cancelled or failed.
    """
    stored = _locked(cursor, campaign_id)
    if stored.state in _AS_STARTED or _is_due(stored):
        return False
    if stored.state not in NOT_STARTED:
        raise action_refused(Action.START, stored.state)
    drafts.start_now(cursor, campaign_id, traceparent)
    _note_schedule(cursor, campaign_id, stored, actor)
    return True


def _locked(cursor: Cursor, campaign_id: int) -> StoredPlan:
    stored = drafts.lock_plan(cursor, campaign_id)
    if stored is None:
        raise unknown(campaign_id)
    return stored


def _append_created(
    cursor: Cursor, made: Made, scheduled_at: datetime | None, actor: str, reason: str
) -> int:
    """Append the event of a new campaign; return its id."""
    if made.is_new:
        state = CampaignState.DRAFT if scheduled_at is None else CampaignState.SCHEDULED
        append_event(cursor, made.id, actor, from_state=None, to_state=state, reason=reason)
    return made.id


def _differs(name: str, stored: StoredPlan, plan: CampaignPlan, moment: datetime | None) -> bool:
    if name == "scheduled_at":
        return moment is not None and not _is_due_at(stored, moment)
    field = "list_id" if name == "recipient_list_id" else name
    return bool(getattr(stored.plan, field) != getattr(plan, field))


def _is_due(stored: StoredPlan) -> bool:
    return (
        stored.state is CampaignState.SCHEDULED
        and stored.scheduled_at is not None
        and stored.scheduled_at <= stored.now
    )


def _is_due_at(stored: StoredPlan, moment: datetime) -> bool:
    """Return whether a campaign has this start time, or both times are in the past."""
    wanted = moment.astimezone(UTC).replace(tzinfo=None)
    return stored.scheduled_at == wanted or (_is_due(stored) and wanted <= stored.now)


def _note_schedule(cursor: Cursor, campaign_id: int, stored: StoredPlan, actor: str) -> None:
    append_event(
        cursor,
        campaign_id,
        actor,
        from_state=stored.state,
        to_state=CampaignState.SCHEDULED,
        reason="given another time" if stored.state is CampaignState.SCHEDULED else None,
    )


def _wrong(field: str, message: str) -> RequestInvalid:
    return RequestInvalid([InvalidField(field, message)])
