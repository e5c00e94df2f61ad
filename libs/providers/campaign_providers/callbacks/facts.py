"""Facts of callbacks as plain values, and the requests that they come in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import parse_qsl

import msgspec

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_providers.callbacks.references import MessageReference

MOST_FIELDS = 1_000
"""Fields of a form or a query that are read; one with more is not."""


_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def is_form(body: bytes) -> bool:
    """Return whether each % of a body begins an escape, as in every URL-encoded form.

    Decoding a body of others takes 200 times its size.
    """
    return _BAD_ESCAPE.search(body) is None


def form_fields(form: str) -> dict[str, str] | None:
    """Return the first value of each field of a URL-encoded form; None where they are too many."""
    try:
        pairs = parse_qsl(form, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    return dict(reversed(pairs))


class CallbackPurpose(StrEnum):
    """The endpoint that a callback came to."""

    RECEIPTS = "receipts"
    INBOUND = "inbound"


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A request of a provider as it arrived; its body has not been decompressed or decoded."""

    method: str
    """In upper case."""
    url: str = field(repr=False)
    """The public URL with path and query as they were requested, below the configured base URL. The
    Host header has no part in it: a forger writes that, too."""
    headers: Mapping[str, str] = field(repr=False)
    """By names in lower case; latin-1, as WSGI has them."""
    body: bytes = field(default=b"", repr=False)

    @property
    def url_bytes(self) -> bytes:
        """The URL as it is signed."""
        return self.url.encode("utf-8", "surrogatepass")

    @property
    def query(self) -> str:
        """The part of the URL behind its first question mark, still encoded."""
        return self.url.partition("?")[2]

    def parameters(self) -> Mapping[str, str]:
        """Return the first value of each parameter of the query; none where they are too many."""
        return (form_fields(self.query) or {}) if self.query else {}

    def header(self, name: str) -> str:
        """Return a header by its name in lower case; empty where it is missing."""
        return self.headers.get(name, "")


class Receipt(msgspec.Struct, frozen=True):
    """A report about a message that was sent."""

    rank: ReceiptRank
    reference: MessageReference | None
    """The message; None: it has to be found by the provider's own id."""
    provider_message_id: str | None
    """Up to 128 printable ASCII characters."""
    word: str
    """The status as the provider writes it."""
    code: str | None = None
    """The provider's error code, up to 32 printable ASCII characters."""
    at: datetime | None = None
    """The provider's time, in UTC. It orders nothing: some have minutes only, and no zone."""
    recipient: str | None = None
    """Read where no reference names the message, as `originator` is."""
    originator: str | None = None

    def __repr__(self) -> str:
        """Leave out the addresses, since this may come into a log."""
        return f"Receipt({self.rank!r}, {self.reference!r}, {self.word!r}, {self.code!r})"


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text that a person has sent to us."""

    provider_message_id: str | None
    """Up to 128 printable ASCII characters; None where the gateway gives none."""
    phone: str = field(repr=False)
    """The person: digits of an international number without its plus, else as it was reported."""
    recipient: str | None = field(repr=False)
    """Our number, written as `phone`."""
    text: str = field(repr=False)
    at: datetime | None = None


class Unreadable(StrEnum):
    """Things in a verified callback that are counted and change nothing."""

    BODY = "body"
    """Not in the form that the mapping declares, too deep, or in another charset."""
    REPORT = "report"
    """Nothing that the mapping knows: an item without status, id or phone, or of another kind."""
    STATUS = "status"
    """A status that the mapping has no rank for."""
    REFERENCE = "reference"
    """A reference that is not ours, or was made for another provider or another purpose."""


@dataclass(frozen=True, slots=True)
class CallbackReply:
    """The body of the answer with status 200 that a gateway expects."""

    body: bytes = b""
    media_type: str = "text/plain"


class RefusalReason(StrEnum):
    """Reason for which a callback was not believed."""

    UNSIGNED = "unsigned"
    """The proof of its origin is missing."""
    FORGED = "forged"
    """The proof is not that of the request, or not by a secret of the provider."""
    STALE = "stale"
    """The proof is for another time."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A callback of which nothing was read; the answer is 401 with `asks_for_password`, else 403.

    Some gateways send the password in the URL only after such a 401.
    """

    reason: RefusalReason
    asks_for_password: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The facts of a verified callback."""

    receipts: tuple[Receipt, ...] = ()
    inbound: tuple[InboundText, ...] = ()
    reply: CallbackReply = CallbackReply()
    """To be sent when the facts are committed."""
    unknown: Mapping[Unreadable, int] = field(default_factory=dict)
