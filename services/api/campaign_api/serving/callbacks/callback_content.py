"""Content of a verified callback as it is stored."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from campaign_api.serving.callbacks.inbound_messages import inbound_messages
from campaign_api.serving.callbacks.message_receipts import message_receipts
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.settings import Settings
from campaign_providers.callbacks.facts import (
    CallbackPurpose,
    CallbackReply,
    CallbackRequest,
    Refused,
)
from campaign_providers.callbacks.keywords.configured_keywords import keywords_of
from campaign_providers.callbacks.keywords.keywords import Keywords
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks
from campaign_providers.callbacks.registry import callbacks_of


class CallbackContent(NamedTuple):
    """Receipts and messages of a callback, and the reply that its gateway expects."""

    receipts: Sequence[MessageReceipt]
    inbound: Sequence[InboundMessage]
    unused: Mapping[str, int]
    """Numbers of what nothing is done about, by kind."""
    reply: CallbackReply


class CallbackReader:
    """Reader of the callbacks of one provider."""

    def __init__(self, name: str, callbacks: ProviderCallbacks, keywords: Keywords) -> None:
        self._name = name
        self._callbacks = callbacks
        self._keywords = keywords

    def read(self, request: CallbackRequest, purpose: CallbackPurpose) -> CallbackContent | Refused:
        """Return the content of a request, or why it is not believed."""
        found = self._callbacks.accept(request, purpose)
        if isinstance(found, Refused):
            return found
        receipts, others = message_receipts(self._name, found)
        inbound: Sequence[InboundMessage] = ()
        if found.inbound:
            inbound = inbound_messages(self._name, found, self._keywords, datetime.now(UTC))
        return CallbackContent(receipts, inbound, others, found.reply)


def callback_readers(settings: Settings) -> Mapping[str, CallbackReader]:
    """Return the readers of callbacks of each provider that has some, by its name.

    Raises:
        SettingsError: a mapping or a keyword is wrong, or a secret can not be read or used; the
            text names file and key.
    """
    keywords = keywords_of(settings)
    return {
        name: CallbackReader(name, callbacks, keywords)
        for name, callbacks in callbacks_of(settings).items()
    }
