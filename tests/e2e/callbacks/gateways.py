"""Gateways that report to the API: their configuration, and the requests that they send."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import requests

from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner

BASE = "https://camp.example.com/hooks"
SECRET = "a secret of our references"
SIGNING = "a secret of the gateway"
USER, PASSWORD = "reporter", "a password"
NOWHERE = "http://127.0.0.1:1/send"
HELP = "an answer to HELP"

BOUNCE = "NACK/no such number"
"""Code of a hard bounce, of BY_REFERENCE."""

BY_REFERENCE, SIGNED, WITH_PASSWORD = "kannel", "infobip", "bandwidth"
"""Providers whose callbacks are proved by the reference in the URL, an HMAC, and a password."""

CONFIGURATION: Mapping[str, Any] = {
    "Callbacks": {"BaseUrl": BASE, "Secrets": [{"Value": SECRET}]},
    "Inbound": {"Answers": {"help": HELP}},
    "Provider": BY_REFERENCE,
    "Suppressions": {"HardBounces": {"After": 1}},
    "Providers": {
        BY_REFERENCE: {
            "Preset": "kannel",
            "Url": NOWHERE,
            "Timeout": "1s",
            "Secrets": {"username": {"Value": "u"}, "password": {"Value": "p"}},
            "Callbacks": {"HardBounces": [BOUNCE]},
        },
        SIGNED: {
            "Preset": "infobip",
            "Url": NOWHERE,
            "Timeout": "1s",
            "Secrets": {"api_key": {"Value": "k"}, "signing": {"Value": SIGNING}},
            "Callbacks": {
                "Verify": "hmac",
                "Header": "X-Signature",
                "Secrets": ["{secret.signing}"],
            },
        },
        WITH_PASSWORD: {
            "Preset": "bandwidth",
            "Url": NOWHERE,
            "Timeout": "1s",
            "Secrets": {
                "account_id": {"Value": "1"},
                "user": {"Value": "u"},
                "password": {"Value": "p"},
                "application_id": {"Value": "1"},
                "callback_user": {"Value": USER},
                "callback_password": {"Value": PASSWORD},
            },
        },
    },
}


class Sent(NamedTuple):
    """A message that was sent."""

    campaign: int
    seq: int
    shard: int = 0
    generation: int = 0


class Callback(NamedTuple):
    """A request of a gateway."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def send(self, url: str, session: requests.Session | None = None) -> requests.Response:
        """Send it to the API at `url`."""
        return (session or requests).request(
            self.method, url + self.path, headers=dict(self.headers), data=self.body, timeout=60
        )

    def raw(self, *more: str) -> bytes:
        """Write it as HTTP has it, with `more` header lines; its length is announced."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: evil.example", *more]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def reference(
    provider: str, sent: Sent, purpose: ReferencePurpose = ReferencePurpose.RECEIPT
) -> str:
    signer = ReferenceSigner(provider, [SECRET.encode()])
    return signer.make(purpose, sent.campaign, sent.seq, sent.generation, sent.shard)


def kannel(sent: Sent, status: str = "1", **changes: str) -> Callback:
    """Return a report by GET, proved by its reference; `1` is delivered, `2` is not."""
    query = {
        "m": reference(BY_REFERENCE, sent),
        "status": status,
        "id": "e5a1",
        "answer": "",
        "at": "1700000000",
        **changes,
    }
    return Callback("GET", f"/v1/callbacks/{BY_REFERENCE}?{urlencode(query)}")


def inbound_kannel(**changes: str) -> Callback:
    """Return a message of a person by GET, proved by the reference of the URL."""
    query = {
        "m": ReferenceSigner(BY_REFERENCE, [SECRET.encode()]).make(ReferencePurpose.INBOUND),
        "from": "+4917612345678",
        "to": "49800555",
        "text": "STOP",
        "id": "mo1",
        "at": "1700000000",
        **changes,
    }
    return Callback("GET", f"/v1/inbound/{BY_REFERENCE}?{urlencode(query)}")


def inbound_result(message_id: str, **changes: object) -> dict[str, object]:
    return {
        "messageId": message_id,
        "from": "4917612345678",
        "to": "49800555",
        "text": "STOP",
        "receivedAt": "2026-01-02T03:04:05.000+0000",
        **changes,
    }


def result(sent: Sent, status: str = "DELIVERED", **changes: object) -> dict[str, object]:
    return {
        "messageId": "e5a1",
        "to": "13961467500",
        "doneAt": "2026-01-02T03:04:05.000+0000",
        "callbackData": reference(SIGNED, sent),
        "status": {"groupName": status, "name": f"{status}_TO_HANDSET"},
        "error": {"id": 0, "name": "NO_ERROR"},
        **changes,
    }


def signed(body: bytes, secret: str = SIGNING, **headers: str) -> Callback:
    """Return a POST of any body with the gateway's signature."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Callback(
        "POST",
        f"/v1/callbacks/{SIGNED}",
        {"Content-Type": "application/json", "X-Signature": mac, **headers},
        body,
    )


def infobip(results: Iterable[Mapping[str, object]], secret: str = SIGNING) -> Callback:
    """Return a POST of several reports, with a signature."""
    return signed(json.dumps({"results": list(results)}).encode(), secret)


def inbound_infobip(results: Iterable[Mapping[str, object]], secret: str = SIGNING) -> Callback:
    """Return a POST of several messages of people, with a signature."""
    return infobip(results, secret)._replace(path=f"/v1/inbound/{SIGNED}")
