"""Provider interface: outbound messages, their sends, and the results."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Generic, Protocol, TypeVar

import msgspec

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import ContentSupport
from campaign_common.domain.content.price import Price
from campaign_common.metrics.distribution import BatchHistogram
from campaign_common.settings import SecretSettings

Referenced = tuple[int, CampaignId, int, int, int]
"""Purpose of a reference, campaign, seq, generation and shard; in a reference to a test message the
seq is the id of that, and in one to a check the id of the check, without a campaign."""


class OutboundMessage(Protocol):
    """Message as a provider sees it; the same in every try, but for `try_number`."""

    @property
    def phone(self) -> str:
        """Phone number in E.164 form without the plus sign."""

    @property
    def body(self) -> str:
        """Text of the message."""

    @property
    def campaign_id(self) -> CampaignId:
        """Id of the campaign."""

    @property
    def seq(self) -> int:
        """Number of the recipient in the campaign's list, from 1; 0 in a test message."""

    @property
    def idempotency_key(self) -> str:
        """Name of the message for the provider: ASCII letters, digits and hyphens."""

    @property
    def originator(self) -> str | None:
        """Originator: the address that the recipient sees; None: that of the provider."""

    @property
    def template_name(self) -> str | None:
        """Name of a template that the provider holds; None: the message is a text."""

    @property
    def template_language(self) -> str | None:
        """Language of the template."""

    @property
    def parts(self) -> Sequence[str]:
        """Parameters of the template, in order."""

    @property
    def expires_in(self) -> float | None:
        """Seconds until the message expires; None: it does not."""

    @property
    def try_number(self) -> int:
        """Number of the try, from 1."""

    @property
    def referenced(self) -> Referenced:
        """Content of its signed reference."""


class MessageReferences(Protocol):
    """Signed references of the messages to one provider."""

    url_before: str | None
    """A callback URL in front of its reference; None: requests have no callback URLs."""

    def of(self, message: OutboundMessage) -> str:
        """Return the reference of a message: ASCII letters, digits, `-` and `_`."""


class MakeReferences(Protocol):
    """Factory of the references of one provider, by the secrets as they were read."""

    secrets: Mapping[str, SecretSettings]
    """By names that no secret of a provider has."""

    def __call__(self, secrets: Mapping[str, str]) -> MessageReferences:
        """Return the references that are made with these secrets, and others are among them.

        Raises:
            ValueError: a secret is too short.
        """


MessageT = TypeVar("MessageT", bound=OutboundMessage)
MessageT_contra = TypeVar("MessageT_contra", bound=OutboundMessage, contravariant=True)


class SendStatus(Enum):
    """Result of a send, or the reason why there was none."""

    ACCEPTED = "accepted"
    """The provider accepted the message."""
    PERMANENT = "permanent"
    """The provider refused the message; no further try can succeed."""
    RETRYABLE = "retryable"
    """The provider provably did not accept the message; a later try may succeed."""
    THROTTLED = "throttled"
    """As RETRYABLE, for lack of capacity (HTTP 429 by default); costs no attempt."""
    AMBIGUOUS = "ambiguous"
    """It is unknown whether the provider accepted the message."""
    ACCOUNT = "account"
    """The provider refuses the account, and with it every message; costs no attempt."""
    EXPIRED = "expired"
    """Not sent: the message is past its expiry."""
    ERASED = "erased"
    """Not sent: the recipient is erased."""
    SUPPRESSED = "suppressed"
    """Not sent: the recipient does not want the message."""
    UNDELIVERABLE = "undeliverable"
    """Not sent: the message can never be delivered."""
    CIRCUIT_OPEN = "circuit_open"
    """Not sent: the provider's circuit breaker is open; costs no attempt."""
    UNCONFIGURED = "unconfigured"
    """Not sent: this process does not know the provider, lacks its secret, or knows it as one that
    does not take the content; costs no attempt."""
    RELEASED = "released"
    """Not sent: the shard is being released; its next owner fetches the message again."""
    DEFERRED = "deferred"
    """Not sent: the view of the database is too old; the message is dispatched again."""
    LIMITED = "limited"
    """Not sent: a limit of the provider, or the rate or budget of the campaign, lets nothing more
    through for some time; the message waits in the database, and it costs no attempt."""
    NOT_GRANTED = "not_granted"
    """Not sent: the grant of a limit was missed, or the provider rests; the message waits here."""
    STALE = "stale"
    """Not sent: the campaign was paused or cancelled, the shard has another owner, the recipient is
    erased, or an outcome is recorded already, such as one that a receipt proves."""

    # Enum's own hash is written in Python: each status is looked up in several sets, and that
    # alone took a twentieth of the time that a message costs.
    __hash__ = object.__hash__


NOT_CONFIGURED = "provider_not_configured"
"""Error code of messages that wait for a sender that knows their provider."""

SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - an error code
"""Error code of messages that wait for a secret of their provider."""

UNREADY_PAUSE = 30.0
"""Seconds until a message is tried again that no provider here can take, UNCONFIGURED."""

REACHED_PROVIDER = frozenset(
    {
        SendStatus.ACCEPTED,
        SendStatus.PERMANENT,
        SendStatus.RETRYABLE,
        SendStatus.THROTTLED,
        SendStatus.AMBIGUOUS,
        SendStatus.ACCOUNT,
    }
)
"""Statuses after which the provider may know of the message."""

CONTENT_NOT_TAKEN = "content_not_taken"
"""Error code of a message whose provider, as this sender has it, does not take its content."""


class SendResult(msgspec.Struct, Generic[MessageT], frozen=True, gc=False):
    """Result of one message that was submitted to a provider."""

    message: MessageT
    status: SendStatus
    provider_message_id: str | None = None
    error_code: str | None = None
    retry_after: float | None = None
    """Seconds that the provider asked to wait."""
    suppress: bool = False
    """The provider says that the person does not want to be written to."""
    of_recipient: bool = False
    """THROTTLED: the limit is that of one recipient, not of the provider."""
    nothing_sent: bool = False
    """The request was not written, as no connection was made. Only the client of the provider
    knows that: an answer may name any error code."""


PreSendCheck = Callable[[Sequence[MessageT]], Sequence[SendStatus | None]]
"""Check immediately before requests are written; None: this message may be sent."""

OnResults = Callable[[Sequence[SendResult[MessageT]]], None]


class Provider(Protocol[MessageT_contra]):
    """Client of one messaging provider.

    For each message of a `submit` exactly one `SendResult` is reported to `on_results`, in any
    order, from any thread, possibly before `submit` returns. The provider runs the pre-send check
    with the request ready to be written, and reports the status that it returns, if any, instead of
    sending. It never repeats a send: that is decided where outcomes are recorded.
    `provider_message_id` has at most 128, `error_code` at most 32 ASCII characters.
    """

    name: str
    connections: int | None
    """Requests under way at most; None: there is no such bound."""
    idempotent_for: float
    """Seconds, from the first send on, for which a repeated idempotency key gets the same response
    again, so that a refusal is proof; inf: without end."""
    support: ContentSupport
    """The content that it takes."""
    price: Price | None
    """The price of a message, where it is known."""
    durations: BatchHistogram
    """Seconds from request to response. For metrics."""

    @property
    def alive(self) -> bool:
        """Return whether submitted messages are processed; the sender ends when they are not."""

    @property
    def account_digest(self) -> str | None:
        """Keyed digest of the credentials in use, of at most 32 characters; None: there are none.

        What one account is refused says nothing of another one.
        """

    @property
    def problem(self) -> str | None:
        """Reason why nothing can be sent at present, None where there is none."""

    def submit(self, messages: Sequence[MessageT_contra], *, first: bool = False) -> None:
        """Start to send messages; does not wait for responses.

        `first`: before all that wait for a connection, as their grants are valid for moments only.
        """

    def close(self) -> None:
        """Abandon open requests, and release connections and threads."""
