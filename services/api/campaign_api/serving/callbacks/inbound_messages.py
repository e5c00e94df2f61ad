"""Inbound messages of a verified callback as they are written."""

from datetime import UTC, datetime

from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.phone_number import normalise_phone
from campaign_providers.callbacks.facts import Accepted, InboundText
from campaign_providers.callbacks.keywords.keywords import Keywords


def inbound_messages(
    provider: str, accepted: Accepted, keywords: Keywords, received_at: datetime
) -> list[InboundMessage]:
    """Return the messages of persons, with the keywords in them; `received_at`: UTC."""
    return [_message(provider, each, keywords, _naive(received_at)) for each in accepted.inbound]


def _message(
    provider: str, inbound: InboundText, keywords: Keywords, received_at: datetime
) -> InboundMessage:
    found = keywords.match(inbound.text)
    message = InboundMessage(
        provider=provider,
        provider_message_id=inbound.provider_message_id or "",
        phone=_address(inbound.phone),
        recipient=None if inbound.recipient is None else _address(inbound.recipient),
        text=inbound.text,
        reported_at=None if inbound.at is None else _naive(inbound.at),
        received_at=received_at,
        keyword=None if found is None else found.kind,
        is_unsure=found is not None and found.is_unsure,
    )
    return message if message.provider_message_id else message.with_digest()


def _address(reported: str) -> str:
    """Return the digits of a number, however it is written, or an address of another kind."""
    return normalise_phone(reported) or reported


def _naive(at: datetime) -> datetime:
    """Return a time as the database has it."""
    return at.astimezone(UTC).replace(tzinfo=None)
