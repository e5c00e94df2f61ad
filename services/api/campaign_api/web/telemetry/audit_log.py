"""Audit log: one line for each change of a campaign by a request."""

import structlog

from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_common.domain.campaign import CampaignId

log = structlog.get_logger(__name__)


def log_change(event: str, campaign_id: CampaignId, **more: str | int) -> None:
    """Log the change that this request made, unless an earlier one of its key made it."""
    if not idempotent_request().carried_out:
        log.info(event, campaign=campaign_id, key=caller().name, **more)
