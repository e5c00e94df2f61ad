"""Effects of keywords in inbound messages: which suppression, and which answer. No I/O."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from campaign_common.domain.content.originator import folded_originator, require_originator
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.suppressions.suppression_scope import (
    EVERYTHING,
    PROVIDER,
    SENDER,
    require_suppression_scope,
)
from campaign_common.errors import OriginatorInvalid, SuppressionScopeInvalid

LONGEST_PHONE = 15
"""Digits; suppressions.phone holds as many."""

LONGEST_SHORT_CODE = 8
"""Digits; no short code of a network has more."""

SHORTEST_NUMBER = 7
"""Digits of an international number of a person; a shorter sender is a service."""


class StopScope(StrEnum):
    """The scope of the suppression that a STOP adds."""

    EVERYTHING = "*"
    SENDER = "sender"
    PROVIDER = "provider"


class KeywordAnswer(NamedTuple):
    """Single message that answers an inbound one; `originator` None: that of the provider."""

    text: str
    originator: str | None


@dataclass(frozen=True)
class InboundProvider:
    """A provider that inbound messages come by, as far as their effects depend on it."""

    originator: str | None = None
    """The originator that it is configured with."""
    takes_originator: bool = False
    """Its requests have a place for an originator."""
    writes_plus: bool = False
    """Its requests have international numbers with a plus."""
    answers_itself: bool = False
    """The gateway, or the carrier behind it, answers keywords."""

    @property
    def has_pool(self) -> bool:
        """Return whether its originator is a name for several that no message comes from."""
        if self.originator is None:
            return False
        try:
            require_originator(self.originator)
        except OriginatorInvalid:
            return True
        return False

    def originator_for(self, recipient: str | None) -> str | None:
        """Return the originator by which an answer comes from our number, None: its own one."""
        if recipient is None or not self.takes_originator:
            return None
        if self.originator is not None and folded_originator(self.originator) == recipient:
            return None
        is_number = recipient.isdigit() and len(recipient) > LONGEST_SHORT_CODE
        written = f"+{recipient}" if is_number and self.writes_plus else recipient
        try:
            return require_originator(written)
        except OriginatorInvalid:
            return None


_UNKNOWN = InboundProvider()


@dataclass(frozen=True)
class KeywordPolicy:
    """Policy of keywords, which follows from the configuration."""

    stop_scope: StopScope = StopScope.EVERYTHING
    answers: Mapping[KeywordKind, str] = field(default_factory=dict)
    """Texts by keyword; the others are not answered."""
    interval: float = 0.0
    """Seconds within which a person is not answered to the same keyword again."""
    providers: Mapping[str, InboundProvider] = field(default_factory=dict)

    def scope_of_stop(self, message: InboundMessage) -> str:
        """Return the scope of the suppression that a STOP adds.

        With `sender` it is the provider where our number is not known, or where the provider is
        configured with a pool of numbers: messages have its name as their originator then.
        """
        of_provider = PROVIDER + message.provider
        match self.stop_scope:
            case StopScope.EVERYTHING:
                return EVERYTHING
            case StopScope.PROVIDER:
                return of_provider
        if self._provider(message).has_pool:
            return of_provider
        return _sender_scope(message) or of_provider

    def scopes_of_start(self, message: InboundMessage) -> Collection[str]:
        """Return the scopes that a START lifts: those that a STOP to the same number may have."""
        scopes = [EVERYTHING, PROVIDER + message.provider]
        if (of_sender := _sender_scope(message)) is not None:
            scopes.append(of_sender)
        return scopes

    def answer_to(self, message: InboundMessage) -> KeywordAnswer | None:
        """Return the answer to a keyword; None where there is none.

        Services such as short codes get none, so that no two machines answer each other.
        """
        provider = self._provider(message)
        text = None if message.keyword is None else self.answers.get(message.keyword)
        if text is None or provider.answers_itself or not _is_person(message.phone):
            return None
        return KeywordAnswer(text, provider.originator_for(message.recipient))

    def _provider(self, message: InboundMessage) -> InboundProvider:
        return self.providers.get(message.provider, _UNKNOWN)


def is_acted_on(message: InboundMessage) -> bool:
    """Return whether a message has effects: it is a keyword, from somebody who can be written to.

    An address with letters, or a longer one, stands in no recipient list.
    """
    phone = message.phone
    return (
        message.keyword is not None
        and not message.is_unsure
        and phone.isascii()
        and phone.isdigit()
        and len(phone) <= LONGEST_PHONE
    )


def _is_person(phone: str) -> bool:
    return len(phone) >= SHORTEST_NUMBER


def _sender_scope(message: InboundMessage) -> str | None:
    if message.recipient is not None:
        with suppress(SuppressionScopeInvalid):
            return require_suppression_scope(SENDER + message.recipient)
    return None
