"""Request that posts an event to a webhook: its body, its signatures, and its answer."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from campaign_common.settings import HttpConnectionSettings, WebhooksSettings
from campaign_providers.http.checking.single_exchange import SingleExchange, TimedResponse
from campaign_providers.http.connections.dialer import Dialer
from campaign_providers.http.requests.target import Target

CONNECT_TIMEOUT = 4.0
ANSWER_TIMEOUT = 6.0
"""Seconds; together 10, the time of one try."""


class SignedEvent(NamedTuple):
    """An event as it is posted; `id` stays the same over all tries."""

    id: str
    body: bytes


def event_body(kind: str, at: datetime, data: str) -> bytes:
    """Return the body of an event, the same for each try; `data` is JSON, `at` naive in UTC."""
    moment = at.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"type": kind, "timestamp": moment, "data": json.loads(data)}
    return json.dumps(body, separators=(",", ":")).encode()


def signatures(secrets: Sequence[str], event: SignedEvent, now: datetime) -> str:
    """Return the header `webhook-signature`: a signature by each secret, the newest first."""
    body = event.body.decode()
    return " ".join(Webhook(secret).sign(event.id, now, body) for secret in secrets)


def request_bytes(url: str, secrets: Sequence[str], event: SignedEvent, now: datetime) -> bytes:
    """Return the request (HTTP/1.1) that posts an event."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {Target(url).host_header}",
        "User-Agent: camp-mgr",
        "Content-Type: application/json",
        f"Content-Length: {len(event.body)}",
        f"webhook-id: {event.id}",
        f"webhook-timestamp: {int(now.timestamp())}",
        f"webhook-signature: {signatures(secrets, event, now)}",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + event.body


def post(
    settings: WebhooksSettings, url: str, secrets: Sequence[str], event: SignedEvent
) -> TimedResponse:
    """Post an event within 10 seconds, once; a redirect is an answer like any other.

    The name is resolved once, and the address that was found permitted is connected to.
    """
    connection = HttpConnectionSettings(
        connect_timeout=CONNECT_TIMEOUT,
        allowed_networks=settings.allowed_networks,
        ca_file=settings.ca_file,
    )
    dialer = Dialer(connection, Target(url))
    request = request_bytes(url, secrets, event, datetime.now(UTC))
    exchange: SingleExchange[Any] = SingleExchange(dialer, (), ANSWER_TIMEOUT)
    return exchange.run(event, request)
