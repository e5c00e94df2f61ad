"""Request as it is shown: as it goes out, without secrets and without the number of the person."""

import re

from campaign_common.settings import HttpRequestSettings
from campaign_providers.check import LONGEST_SHOWN, MASKED, ShownHeader, ShownRequest
from campaign_providers.contract import MessageReferences, OutboundMessage
from campaign_providers.http.checking.credentials import MaskedSettings
from campaign_providers.http.checking.redaction import Redaction
from campaign_providers.http.requests.writer import RequestWriter

CONTENT_LENGTH = "content-length"

_SIGNATURE = re.compile(r"(?<=Signature=)[0-9a-f]+")


def shown_request(
    masked: MaskedSettings,
    message: OutboundMessage,
    redact: Redaction,
    sent: bytes,
    references: MessageReferences | None = None,
) -> ShownRequest:
    """Return the request of a message as it is shown; its length is that of what is `sent`.

    It is made of settings without credentials, and searched for them besides: a secret may stand
    where none is expected.

    Raises:
        Unsendable: as `RequestWriter.write`.
    """
    settings: HttpRequestSettings = masked.settings
    writer = RequestWriter(settings, dict.fromkeys(settings.secrets, MASKED), references)
    line, headers, body = _parts(writer.write(message))
    method, _, rest = line.partition(" ")
    lengths = {name.lower(): value for name, value in _parts(sent)[1]}
    shown = []
    for name, value in headers:
        if name.lower() == CONTENT_LENGTH:
            shown.append(ShownHeader(name, lengths.get(CONTENT_LENGTH, value)))
        else:
            shown.append(ShownHeader(name, redact(_SIGNATURE.sub(MASKED, value))))
    url = settings.url.origin + rest.removesuffix(" HTTP/1.1")
    return ShownRequest(method, redact(url), shown, cut(redact(body))[0])


def signature_of(sent: bytes) -> str | None:
    """Return the signature of a request, which its answer must not show either."""
    for name, value in _parts(sent)[1]:
        if name.lower() == "authorization" and (found := _SIGNATURE.search(value)):
            return found[0]
    return None


def cut(text: str) -> tuple[str, bool]:
    """Return a text of at most `LONGEST_SHOWN` bytes, and whether it was longer."""
    encoded = text.encode()
    if len(encoded) <= LONGEST_SHOWN:
        return text, False
    return encoded[:LONGEST_SHOWN].decode("utf-8", "ignore"), True


def _parts(request: bytes) -> tuple[str, list[tuple[str, str]], str]:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode("latin-1").split("\r\n")
    pairs = [(name, value) for name, _, value in (one.partition(": ") for one in headers)]
    return line, pairs, body.decode("utf-8", "replace")
