"""One log line for each change of a campaign that a request has brought about."""

import structlog

from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import claim

log = structlog.get_logger(__name__)


def log_change(event: str, campaign_id: int, **more: str | int) -> None:
    """Say what the present request did to a campaign, unless an earlier one of its key did it."""
    if not claim().carried_out:
        log.info(event, campaign=campaign_id, key=caller().name, **more)
