"""History of a campaign: its events in words."""

from datetime import UTC
from typing import Any

from campaign_common.domain.campaign import CampaignState
from campaign_common.store.core.events import EventRow

_S = CampaignState

_TYPES: dict[tuple[str | None, str | None], str] = {
    (_S.DRAFT, _S.SCHEDULED): "scheduled",
    (_S.SCHEDULED, _S.RUNNING): "started",
    (_S.SCHEDULED, _S.FAILED): "failed",
    (_S.SCHEDULED, _S.DRAFT): "unscheduled",
    (_S.RUNNING, _S.PAUSED): "paused",
    (_S.PAUSED, _S.RUNNING): "resumed",
    (_S.RUNNING, _S.FINISHED): "finished",
}
"""Word for a change from one state to another, unless another rule applies."""

WORDS = (*_TYPES.values(), "created", "changed", "cancelled", "retried", "deleted")

RETRY = "retry of "
"""Prefix of the reason of a retry (store.campaigns.transitions)."""


def described(event: EventRow) -> dict[str, Any]:
    """Describe an event: actor, action, time, and the states before and after."""
    return {
        "id": event.id,
        "at": event.at.replace(tzinfo=UTC),
        "actor": event.actor,
        "type": _type(event),
        "from": event.from_state,
        "to": event.to_state,
        "reason": event.reason,
    }


def is_retry(event: EventRow) -> bool:
    """Return whether an event is a retry of messages."""
    return event.to_state == _S.RUNNING and (event.reason or "").startswith(RETRY)


def _type(event: EventRow) -> str:
    if event.from_state is None:
        return "created"
    if event.to_state is None:
        return "deleted"
    if event.to_state == _S.CANCELLED:
        return "cancelled"
    if is_retry(event):
        return "retried"
    # What leaves the state as it is: another plan, or a campaign that is published again.
    return _TYPES.get((event.from_state, event.to_state), "changed")
