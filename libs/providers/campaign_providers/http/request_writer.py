"""HTTP requests: one POST of JSON for each message."""

from urllib.parse import SplitResult, urlsplit

import msgspec

from campaign_common.domain.campaign import CampaignId
from campaign_providers.contract import OutboundMessage

DEFAULT_PORTS = {"http": 80, "https": 443}


class Target:
    """Parsed URL: `host` and `port` to connect to, with TLS or without, and the path."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or DEFAULT_PORTS[parts.scheme]
        self.host_header = _host_header(parts)
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def __str__(self) -> str:
        """Name the server only: path and query may hold a secret."""
        return f"{self.host}:{self.port}"


class MessageBody(msgspec.Struct):
    """JSON body of a request."""

    message_id: str
    campaign_id: CampaignId
    seq: int
    phone: str
    body: str


class RequestWriter:
    """Serializer of the complete request of a message."""

    def __init__(self, target: Target, authorization: str | None) -> None:
        lines = [
            f"POST {target.path} HTTP/1.1",
            f"Host: {target.host_header}",
            "User-Agent: camp-mgr",
            "Accept: application/json",
            "Content-Type: application/json",
        ]
        if authorization is not None:
            lines.append(f"Authorization: {authorization}")
        self._head = "\r\n".join([*lines, "Idempotency-Key: "]).encode("ascii")
        self._encode = msgspec.json.Encoder().encode

    def write(self, message: OutboundMessage) -> bytes:
        """Return the bytes of the request; its key is the same in every try of the message."""
        key = message.idempotency_key
        body = self._encode(
            MessageBody(key, message.campaign_id, message.seq, message.phone, message.body)
        )
        return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (
            self._head,
            key.encode("ascii"),
            len(body),
            body,
        )


def _host_header(parts: SplitResult) -> str:
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    if parts.port is None or parts.port == DEFAULT_PORTS[parts.scheme]:
        return bracketed
    return f"{bracketed}:{parts.port}"
