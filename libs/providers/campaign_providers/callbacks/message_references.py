"""References that go out with messages, made with the secrets as they were read."""

from collections.abc import Mapping

from campaign_common.domain.receipts.callback_url import callback_url
from campaign_common.settings import SecretSettings, Settings
from campaign_providers.callbacks.reference_secrets import ReferenceSecrets
from campaign_providers.callbacks.references import ReferenceSigner
from campaign_providers.contract import MakeReferences, OutboundMessage


class SignedReferences:
    """The references of the messages to one provider.

    For one thread: a request may have the reference of its message twice, and it is made once.
    """

    def __init__(self, signer: ReferenceSigner, url_before: str | None) -> None:
        self.url_before = url_before
        self._make = signer.make
        self._message: OutboundMessage | None = None
        self._text = ""

    def of(self, message: OutboundMessage) -> str:
        """Return the reference of a message."""
        if message is not self._message:
            self._text = self._make(*message.referenced)
            self._message = message
        return self._text


class SignedReferencesFactory:
    """Factory of the references of one provider."""

    def __init__(self, provider: str, base_url: str | None, secrets: ReferenceSecrets) -> None:
        """Take the base of callback URLs; None: requests have none."""
        self._provider = provider
        self._url_before = None if base_url is None else callback_url(base_url, provider, "")
        self._secrets = secrets
        self.secrets: Mapping[str, SecretSettings] = secrets.settings

    def __call__(self, secrets: Mapping[str, str]) -> SignedReferences:
        """Return the references that are made with these secrets.

        Raises:
            ValueError: a secret is too short.
        """
        return SignedReferences(self._secrets.signer(self._provider, secrets), self._url_before)


def references_of(settings: Settings) -> Mapping[str, MakeReferences]:
    """Return a factory of the references of each provider that has callbacks, by its name."""
    callbacks = settings.callbacks
    secrets = ReferenceSecrets(callbacks)
    return {
        name: SignedReferencesFactory(
            name, callbacks.base_url if provider.has_callback_url else None, secrets
        )
        for name, provider in settings.providers_with_callbacks.items()
    }
