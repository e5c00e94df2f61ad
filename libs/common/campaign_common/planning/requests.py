"""Checked requests for campaigns."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from campaign_common.domain.campaign import CampaignId, Delivery
from campaign_common.domain.content.campaign_content import Content
from campaign_common.domain.recipient import ListId


@dataclass(frozen=True, kw_only=True)
class NewCampaign:
    """A campaign of a list that is ready; fields that are None are left to the configuration."""

    name: str
    content: Content
    recipient_list_id: ListId
    originator: str | None = None
    scheduled_at: datetime | None = None
    expires_after: int | None = None
    delivery: Delivery | None = None
    provider: str | None = None
    max_rate: Decimal | None = None
    priority: int | None = None
    budget: Decimal | None = None
    topic: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class NumberedCampaign:
    """A campaign whose id the client chose, of a list that was imported for it.

    `digest` (64 characters) is equal for a repeated request.
    """

    id: CampaignId
    name: str
    template: str
    scheduled_at: datetime
    digest: str
