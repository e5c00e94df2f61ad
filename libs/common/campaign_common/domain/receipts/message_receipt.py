"""A report of a provider about one message of a campaign."""

from datetime import datetime
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import Shard


class MessageReceipt(NamedTuple):
    """A report whose reference is verified: it is about this message, and from this provider."""

    campaign_id: CampaignId
    seq: int
    generation: int
    shard: Shard
    provider: str
    rank: ReceiptRank
    """Never `NONE`."""
    code: str | None = None
    """The provider's word for the reason, ASCII, up to 32 characters."""
    at: datetime | None = None
    """The provider's time, UTC."""
