"""What a provider must do, and what it may answer."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

import msgspec

from campaign_common.metrics.distribution import Distribution
from campaign_sender.message import Message


class SendStatus(Enum):
    """How a call ended, or why there was none."""

    ACCEPTED = "accepted"
    """The provider took the message."""
    PERMANENT = "permanent"
    """The provider refused the message; no further try can succeed."""
    RETRYABLE = "retryable"
    """The provider proved that it did not take the message; a later try may succeed."""
    THROTTLED = "throttled"
    """As RETRYABLE, for lack of capacity: costs no attempt."""
    AMBIGUOUS = "ambiguous"
    """Nobody can say whether the provider took the message."""
    EXPIRED = "expired"
    """No call: the message is past its expiry."""
    ERASED = "erased"
    """No call: the recipient is erased."""
    UNDELIVERABLE = "undeliverable"
    """No call: the message can never be delivered."""
    CIRCUIT_OPEN = "left alone"
    """No call: the provider's circuit breaker is open; costs no attempt."""
    RELEASED = "given back"
    """No call: the shard is being released; whoever owns it next fetches the message again."""
    DEFERRED = "not now"
    """No call: this process cannot see the database; the message is offered again."""
    STALE = "void"
    """No call: the campaign was paused or cancelled, the shard went to another owner, or the
    recipient is erased."""

    # Enum's own hash is written in Python: each answer is looked up in several sets, and that
    # alone took a twentieth of the time that a message costs.
    __hash__ = object.__hash__


REACHED_PROVIDER = frozenset(
    {
        SendStatus.ACCEPTED,
        SendStatus.PERMANENT,
        SendStatus.RETRYABLE,
        SendStatus.THROTTLED,
        SendStatus.AMBIGUOUS,
    }
)
"""Answers after which the provider may know of the message."""


class SendResult(msgspec.Struct, frozen=True, gc=False):
    """What became of one message that was handed to a provider."""

    message: Message
    status: SendStatus
    provider_message_id: str | None = None
    error_code: str | None = None
    retry_after: float | None = None
    """Seconds that the provider asked to be left alone."""


PreSendCheck = Callable[[Sequence[Message]], Sequence[SendStatus | None]]
"""Asked immediately before requests are written; None means that this call may start."""

OnResults = Callable[[Sequence[SendResult]], None]


class Provider(Protocol):
    """Carries messages to phones.

    For each message of a `submit` exactly one `SendResult` is reported, in any order, from any
    thread, possibly before `submit` returns. The provider asks `check_before_send` with everything
    ready to write the requests, and reports what it answers instead of calling where that is
    not None. It never repeats a call by itself: repeating is decided where outcomes are
    recorded. `provider_message_id` is at most 64, `error_code` at most 32 ASCII characters.
    """

    name: str
    idempotent: bool
    """A key that was answered before gets the same answer again, so that a refusal is proof."""
    durations: Distribution
    """Seconds from request to answer, for the metrics."""

    @property
    def alive(self) -> bool:
        """Return whether it works on what it is given; the sender ends where it does not."""

    def submit(self, messages: Sequence[Message]) -> None:
        """Start the calls of these messages; does not wait for their answers."""

    def close(self) -> None:
        """Abandon what is still under way and release connections and threads."""
