"""Verification of webhooks (Standard Webhooks 1.0); needs the extra `webhooks`."""

from collections.abc import Mapping, Sequence
from typing import Any

from campaign_client.errors import ClientError


class WebhookRejected(ClientError):
    """A webhook has no valid signature, or is older or newer than five minutes."""


def verify_webhook(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """Return the event of a webhook whose signature one of the secrets made.

    `body` is what was received, byte by byte. While secrets are rotated both are given.

    Raises:
        WebhookRejected: no secret fits, or its time is not now.
    """
    from standardwebhooks.webhooks import (  # noqa: PLC0415 - a library of an extra
        Webhook,
        WebhookVerificationError,
    )

    for secret in secrets:
        try:
            found = Webhook(secret).verify(body, {k.lower(): v for k, v in headers.items()})
        except WebhookVerificationError:
            continue
        if isinstance(found, dict):
            return found
    raise WebhookRejected("the webhook has no valid signature of now")
