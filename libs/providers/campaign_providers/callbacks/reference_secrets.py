"""Secrets of references, as the configuration has them and as they are read."""

from collections.abc import Mapping

from campaign_common.settings import CallbacksSettings, SecretSettings
from campaign_providers.callbacks.references import ReferenceSigner

KEY = "Callbacks.Secrets"


class ReferenceSecrets:
    """The secrets of references, beside other secrets that are read with them."""

    def __init__(self, callbacks: CallbacksSettings) -> None:
        self.settings: Mapping[str, SecretSettings] = {
            f"{KEY}.{place}": secret for place, secret in enumerate(callbacks.secrets)
        }
        """By names that no secret of a provider has."""
        self.from_campaigns = tuple(secret.from_campaign or 0 for secret in callbacks.secrets)

    def values(self, read: Mapping[str, str]) -> tuple[bytes, ...]:
        """Return the secrets of references among all that were read."""
        return tuple(read[name].encode() for name in self.settings)

    def signer(self, provider: str, read: Mapping[str, str]) -> ReferenceSigner:
        """Return the references of a provider.

        Raises:
            ValueError: a secret is too short.
        """
        return ReferenceSigner(provider, self.values(read), self.from_campaigns)
