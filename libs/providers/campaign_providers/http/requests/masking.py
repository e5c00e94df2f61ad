"""Requests as they may be shown: as they would go out, with secrets masked."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from campaign_common.settings import HttpRequestSettings
from campaign_common.settings.fields.templates import TextTemplate, literal_text
from campaign_providers.contract import OutboundMessage
from campaign_providers.http.requests.writer import RequestWriter

MASKED = "MASKED"
"""Stands for a secret: letters, which no encoding changes."""

CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "api-key", "apikey", "x-api-key"}
)
"""Headers whose values are secrets although they are written in the configuration itself."""


def masked_request(settings: HttpRequestSettings, message: OutboundMessage) -> bytes:
    """Return the request of a message without any secret.

    Its length, and a signature, are those of what is shown.

    Raises:
        Unsendable: as `RequestWriter.write`.
    """
    headers = dict(_masked(settings.headers))
    if settings.basic is not None:
        headers["Authorization"] = literal_text(f"Basic {MASKED}")
    shown = replace(settings, headers=MappingProxyType(headers), basic=None)
    return RequestWriter(shown, dict.fromkeys(settings.secrets, MASKED)).write(message)


def _masked(headers: Mapping[str, TextTemplate]) -> Mapping[str, TextTemplate]:
    return {
        name: literal_text(MASKED)
        if name.lower() in CREDENTIALS and not any(text.placeholders)
        else text
        for name, text in headers.items()
    }
