"""Inbound messages for tests."""

from datetime import datetime
from typing import Any

from campaign_common.domain.inbound.inbound_message import InboundMessage

PERSON = "4917612345678"
NOW = datetime(2026, 3, 1, 12, 2)  # noqa: DTZ001 - as the database has times: UTC, naive


def inbound(message_id: str = "1", **changes: Any) -> InboundMessage:  # noqa: ANN401 - any field
    """Return a message; with an empty id one of a gateway that gives none."""
    fields: dict[str, Any] = {
        "provider": "gateway",
        "provider_message_id": message_id,
        "phone": PERSON,
        "recipient": "49800",
        "text": "when do you open?",
        "reported_at": None,
        "received_at": NOW,
        **changes,
    }
    message = InboundMessage(**fields)
    return message if message_id else message.with_digest()
