"""A message that a person has sent to us, and what it is known by when it comes again."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from campaign_common.domain.inbound.keyword_kind import KeywordKind

REPEATED_WITHIN = timedelta(minutes=5)
"""Time in which the same text of the same person is the same message, where the gateway gives
neither an id nor a time: its repetition of a request that was not answered."""

DIGEST = "digest:"
"""The beginning of what stands in place of a provider's id."""

_BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - as the database has times: UTC, naive


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """A message that a provider has verifiably reported; times are UTC, naive."""

    provider: str
    """The name of the provider that has reported it."""
    provider_message_id: str
    """The provider's id, up to 128 characters of printable ASCII, or a digest in place of it."""
    phone: str = field(repr=False)
    """The person: digits of an international number, else the address as it was reported."""
    recipient: str | None = field(repr=False)
    """Our number, written as `phone`."""
    text: str = field(repr=False)
    reported_at: datetime | None
    """The provider's time."""
    received_at: datetime
    """The time at which this service had the whole request."""
    keyword: KeywordKind | None = None
    is_unsure: bool = False
    """The text has other words beside the keyword, so that a person has to read it."""

    @property
    def has_digest(self) -> bool:
        """Return whether the gateway has given no id."""
        return self.provider_message_id.startswith(DIGEST)

    @property
    def earlier_digest(self) -> str | None:
        """The digest that the same message has if it came in the time slot before.

        None where there is none: the message has an id, or a time of the provider, or is a STOP.
        """
        if not self.has_digest or self.reported_at is not None or self._is_stop:
            return None
        return self._digest(_slot(self.received_at) - 1)

    def with_digest(self) -> Self:
        """Return the message with a digest of what was said in place of an id.

        With a time of the provider it is that of the message at this time; without, that of the
        message in a time slot of `REPEATED_WITHIN`. Each STOP without a time is a message of its
        own: the person may have said START in between, and its effect bears repetition.
        """
        when = self.reported_at or (self.received_at if self._is_stop else _slot(self.received_at))
        return replace(self, provider_message_id=self._digest(when))

    @property
    def _is_stop(self) -> bool:
        return self.keyword is KeywordKind.STOP and not self.is_unsure

    def _digest(self, when: datetime | int) -> str:
        said = (self.phone, self.recipient, self.text, str(when))
        return DIGEST + hashlib.sha256(repr(said).encode()).hexdigest()[:40]


def _slot(at: datetime) -> int:
    return (at - _BEGINNING) // REPEATED_WITHIN
