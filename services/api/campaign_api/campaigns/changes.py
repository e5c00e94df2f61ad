"""Changes of a campaign that a client asks for, each once for its Idempotency-Key."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from campaign_api.campaigns.actions import naming_api_actions
from campaign_api.campaigns.campaign_reader import unknown
from campaign_api.campaigns.message_retry import MessagesToRetry, request_retry
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.telemetry.audit_log import log_change
from campaign_api.web.telemetry.tracing import present_traceparent
from campaign_common.database import Cursor, Databases
from campaign_common.domain.campaign import CampaignId, Transition
from campaign_common.planning import scheduling
from campaign_common.planning.campaign_editor import CampaignEditor, new_identity
from campaign_common.planning.requests import NewCampaign
from campaign_common.planning.stored_plans import locked_plan
from campaign_common.store.campaigns.transitions import change_state
from campaign_common.store.core.events import last_event_id

RETRY_SECONDS = 10.0
"""Seconds for which a change is retried while the database is down."""

Require = Callable[[Cursor], None]
"""A check inside of the transaction, which raises what refuses the change."""

WORDS = {
    Transition.PAUSE: "paused",
    Transition.RESUME: "resumed",
    Transition.CANCEL: "cancelled",
}


class CampaignChanges:
    """Changes of campaigns in the name of the client of the current request.

    Each raises CampaignUnknown, TransitionRefused where the state does not allow it, and RetryLater
    while the database is unavailable.
    """

    def __init__(self, databases: Databases, editor: CampaignEditor) -> None:
        self._databases = databases
        self._editor = editor
        self._transactions = RetryingTransactions(databases.main, RETRY_SECONDS)

    def create(self, wanted: NewCampaign) -> Any:  # noqa: ANN401 - what the editor made
        """Create a campaign, and return what was made.

        Raises:
            TemplateUnfit, PlanInvalid: as for `CampaignEditor.create`.
        """
        with self._databases.main.reading() as cursor:
            identity = new_identity(cursor)
        work = partial(
            self._editor.create,
            identity=identity,
            wanted=wanted,
            actor=caller().name,
            traceparent=present_traceparent(),
        )
        return idempotent_request().run_once(self._transactions, work)

    def change(self, campaign_id: CampaignId, changes: Mapping[str, Any]) -> None:
        """Change fields of a campaign.

        Raises:
            TemplateUnfit, PlanInvalid: as for `CampaignEditor.change`.
        """
        work = partial(
            self._editor.change,
            campaign_id=campaign_id,
            changes=changes,
            actor=caller().name,
            traceparent=present_traceparent(),
            require_match=lambda _: None,
        )
        with naming_api_actions():
            changed = idempotent_request().run_once(self._transactions, work)
        if changed:
            log_change("campaign changed", campaign_id, fields=", ".join(changed))

    def schedule(
        self,
        campaign_id: CampaignId,
        moment: datetime,
        time_zone: str | None = None,
        require_match: Require | None = None,
    ) -> None:
        """Set the start time of a campaign, and the zone that it was planned in, if named.

        `require_match` may refuse it.
        """
        change = partial(scheduling.schedule, moment=moment, time_zone=time_zone)
        self._plan(change, campaign_id, require_match)

    def start(self, campaign_id: CampaignId, require_match: Require | None = None) -> None:
        """Start a campaign now: it is scheduled, and runs within seconds.

        `require_match` may refuse it.
        """
        self._plan(scheduling.start, campaign_id, require_match)

    def clone(self, campaign_id: CampaignId) -> Any:  # noqa: ANN401 - what the editor made
        """Create a draft with the content of a campaign in any state, and return what was made."""
        with self._databases.main.reading() as cursor:
            identity = new_identity(cursor)
        work = partial(
            self._editor.clone, identity=identity, campaign_id=campaign_id, actor=caller().name
        )
        return idempotent_request().run_once(self._transactions, work)

    def change_state(self, campaign_id: CampaignId, transition: Transition) -> None:
        """Pause, resume or cancel a campaign."""
        work = partial(
            change_state,
            campaign_id=campaign_id,
            transition=transition,
            actor=caller().name,
            # Only a resume has messages sent.
            traceparent=present_traceparent() if transition is Transition.RESUME else None,
        )
        with naming_api_actions():
            changed = idempotent_request().run_once(self._transactions, work)
        if changed is None:
            raise unknown(campaign_id)
        before, after = changed
        if before != after:
            log_change(f"campaign {WORDS[transition]}", campaign_id)

    def retry(self, campaign_id: CampaignId, wanted: MessagesToRetry) -> int:
        """Have messages sent again, and return how many have the status, or the receipt."""
        with self._databases.main.reading() as cursor:
            after_event = last_event_id(cursor, campaign_id)
        work = partial(
            request_retry,
            databases=self._databases,
            campaign_id=campaign_id,
            actor=caller().name,
            wanted=wanted,
            after_event=after_event,
            traceparent=present_traceparent(),
        )
        with naming_api_actions():
            matched: int = idempotent_request().run_once(self._transactions, work)
        if matched:
            log_change("campaign retried", campaign_id, messages=matched)
        return matched

    def _plan(
        self,
        change: Callable[..., bool],
        campaign_id: CampaignId,
        require_match: Require | None,
    ) -> None:
        actor, traceparent = caller().name, present_traceparent()

        def work(cursor: Cursor) -> bool:
            if require_match is not None:
                locked_plan(cursor, campaign_id)  # so that it stays what is compared
                require_match(cursor)
            return change(cursor, campaign_id=campaign_id, actor=actor, traceparent=traceparent)

        with naming_api_actions():
            changed = idempotent_request().run_once(self._transactions, work)
        if changed:
            log_change("campaign scheduled", campaign_id)
