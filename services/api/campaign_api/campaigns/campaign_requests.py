"""Checked request to POST /v1/camp/create, as its schema builds it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from campaign_common.domain.campaign import CampaignId
from campaign_common.planning.requests import NumberedCampaign


@dataclass(frozen=True)
class CreateCampaign:
    """A request to POST /v1/camp/create; `scheduled_time` is in seconds since 1970 (UTC)."""

    campaign_name: str
    campaign_id: CampaignId
    message_template: str
    scheduled_time: int
    csv_file_path: str

    @property
    def scheduled_at(self) -> datetime:
        """`scheduled_time` as a time."""
        return datetime.fromtimestamp(self.scheduled_time, UTC)

    def numbered(self) -> NumberedCampaign:
        """Return the campaign that the request is for."""
        return NumberedCampaign(
            id=self.campaign_id,
            name=self.campaign_name,
            template=self.message_template,
            scheduled_at=self.scheduled_at,
            digest=self.digest(),
        )

    def digest(self) -> str:
        """Return the SHA-256 of the fields in hexadecimal: equal for a repeated request."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
