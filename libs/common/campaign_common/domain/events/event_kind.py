"""Kinds of the events that webhooks are told of."""

from enum import StrEnum

from campaign_common.domain.campaign import CampaignState


class EventKind(StrEnum):
    """A kind of event, as it stands in the field `type`."""

    CAMPAIGN_SCHEDULED = "campaign.scheduled"
    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_FINISHED = "campaign.finished"
    CAMPAIGN_FAILED = "campaign.failed"
    CAMPAIGN_CANCELLED = "campaign.cancelled"
    CAMPAIGN_STALLED = "campaign.stalled"
    LIST_IMPORTED = "list.imported"
    PROVIDER_LEFT_ALONE = "provider.left_alone"
    PROVIDER_RETURNED = "provider.returned"
    SUPPRESSION_ADDED = "suppression.added"
    INBOUND_RECEIVED = "inbound.received"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    TEST = "webhook.test"
    """Asked for by a client; no webhook chooses it."""


CHOSEN = tuple(kind for kind in EventKind if kind is not EventKind.TEST)
"""The kinds that a webhook may choose."""

_REACHED = {
    CampaignState.SCHEDULED: EventKind.CAMPAIGN_SCHEDULED,
    CampaignState.RUNNING: EventKind.CAMPAIGN_RESUMED,
    CampaignState.PAUSED: EventKind.CAMPAIGN_PAUSED,
    CampaignState.FINISHED: EventKind.CAMPAIGN_FINISHED,
    CampaignState.FAILED: EventKind.CAMPAIGN_FAILED,
    CampaignState.CANCELLED: EventKind.CAMPAIGN_CANCELLED,
}


def kind_of_change(from_state: str | None, to_state: str | None) -> EventKind | None:
    """Return the kind of a change of a campaign's state; None: no webhook is told of it.

    A campaign that has paused, or has ended and is retried, is resumed.
    """
    if from_state == to_state or to_state is None:
        return None
    if (from_state, to_state) == (CampaignState.SCHEDULED, CampaignState.RUNNING):
        return EventKind.CAMPAIGN_STARTED
    return _REACHED.get(CampaignState(to_state))
