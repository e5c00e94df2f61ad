"""Check of a provider: the request of one message as it goes out, its answer, and how it was read.

What these types hold is masked: no secret, and no phone number but its last two digits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.settings import AnswerWord
from campaign_providers.contract import OutboundMessage, Referenced, SendStatus

LONGEST_SHOWN = 16_384
"""Bytes of a body that are shown."""

LONGEST_CONNECT = 20.0
LONGEST_TIMEOUT = 60.0
"""Seconds that a check waits for a connection, and for an answer, at most."""

MASKED = "MASKED"
"""Stands for a secret: letters, which no encoding changes."""


class CheckMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Message of a check; `idempotency_key` is a name of its own, which no campaign uses."""

    phone: str
    body: str
    idempotency_key: str
    originator: str | None = None
    template_name: str | None = None
    template_language: str | None = None
    parts: tuple[str, ...] = ()
    campaign_id: CampaignId = CampaignId(0)
    seq: int = 0
    expires_in: float | None = None
    try_number: int = 1
    referenced: Referenced = (ReferencePurpose.TEST, CampaignId(0), 0, 0, 0)


class ShownHeader(msgspec.Struct, frozen=True):
    """Header of a request or an answer."""

    name: str
    value: str


class ShownRequest(msgspec.Struct, frozen=True):
    """Request as it goes out; a `body` longer than `LONGEST_SHOWN` is cut."""

    method: str
    url: str
    headers: list[ShownHeader]
    body: str


class ShownAnswer(msgspec.Struct, frozen=True):
    """Answer as it came; `headers` are those of use, `seconds` the time from request to answer.

    `body` is cut to `LONGEST_SHOWN`; None: it was longer than what is read, or encoded.
    """

    status: int
    headers: list[ShownHeader]
    body: str | None
    is_cut: bool
    seconds: float


class Reading(msgspec.Struct, frozen=True):
    """Meaning of an answer, or of its absence.

    `word` is that of `Answers`, `rule` describes the rule that decided; None: no rule did.
    """

    word: str
    rule: str | None
    provider_message_id: str | None = None
    error_code: str | None = None
    retry_after: float | None = None
    """Seconds that the answer asks to wait."""
    suppress: bool = False


class Exchange(msgspec.Struct, frozen=True):
    """Result of one send; without an answer, `reading` has the reason as its error code."""

    answer: ShownAnswer | None
    reading: Reading


class CheckImpossible(Exception):
    """There is no request to show or send; the text says why."""


@dataclass(frozen=True)
class PreparedCheck:
    """Request that is ready; `send` sends it once, and waits for the answer.

    `request` is None where there is none, which `note` describes. `account`: digest of the
    credentials, as `Provider.account_digest`.
    """

    request: ShownRequest | None
    note: str | None
    account: str | None
    send: Callable[[], Exchange]


class ProviderCheck(Protocol):
    """Check of one provider, apart from its client: nothing here counts for its metrics."""

    name: str

    @property
    def longest(self) -> float:
        """Seconds that a send takes at most."""

    def prepare(self, message: OutboundMessage) -> PreparedCheck:
        """Make the request of a message, with the secrets as they are now.

        Raises:
            CheckImpossible: a secret can not be read, or the message has no form here.
        """


CHECK_WORDS: Mapping[SendStatus, str] = {
    SendStatus.ACCEPTED: AnswerWord.SUCCESS.value,
    **{SendStatus(word.value): word.value for word in AnswerWord if word is not AnswerWord.SUCCESS},
}
"""Words of `Answers` by send status."""
