"""Checked requests for campaigns, as the schemas build them."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from campaign_common.domain.campaign import Delivery


@dataclass(frozen=True, kw_only=True)
class NewCampaign:
    """A request to POST /v1/campaigns; fields that are None are left to the configuration."""

    name: str
    template: str
    recipient_list_id: int
    scheduled_at: datetime | None = None
    expires_after: int | None = None
    delivery: Delivery | None = None
    provider: str | None = None


@dataclass(frozen=True)
class CreateCampaign:
    """A request to POST /v1/camp/create; `scheduled_time` is in seconds since 1970 (UTC)."""

    campaign_name: str
    campaign_id: int
    message_template: str
    scheduled_time: int
    csv_file_path: str

    @property
    def scheduled_at(self) -> datetime:
        """`scheduled_time` as a time."""
        return datetime.fromtimestamp(self.scheduled_time, UTC)

    def digest(self) -> str:
        """Return the SHA-256 of the fields in hexadecimal: equal for a repeated request."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
