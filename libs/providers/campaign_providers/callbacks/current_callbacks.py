"""Callbacks with the secrets as they are now: their files are read again when they change."""

import time
from collections.abc import Callable, Mapping

import structlog

from campaign_common.errors import SettingsError
from campaign_providers.callbacks.configured import CallbackParts
from campaign_providers.callbacks.facts import Accepted, CallbackPurpose, CallbackRequest, Refused
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks
from campaign_providers.secret_files import REFRESH_INTERVAL, SecretFiles, SecretUnreadable

log = structlog.get_logger()


class CurrentCallbacks(ProviderCallbacks):
    """The callbacks of a provider, whose secrets may change.

    When a file becomes unreadable later, or holds what is no secret, those before are used further.
    It is tried again until it can be read, and logged once.
    """

    def __init__(
        self,
        provider: str,
        secrets: SecretFiles,
        make_parts: Callable[[Mapping[str, str]], CallbackParts],
    ) -> None:
        """Read the secrets, by which `make_parts` makes verification and references.

        Raises:
            SecretUnreadable: a secret can not be read.
            SettingsError: verification, references and mapping do not fit, or can not be made.
        """
        self._secrets = secrets
        self._make_parts = make_parts
        self._log = log.bind(provider=provider)
        self._logged: str | None = None
        self._refresh_at = time.monotonic() + REFRESH_INTERVAL
        super().__init__(*make_parts(secrets.read()))

    def accept(self, request: CallbackRequest, purpose: CallbackPurpose) -> Accepted | Refused:
        """Return the facts of a request, or why it is not believed."""
        if time.monotonic() >= self._refresh_at:
            self._refresh()
        return super().accept(request, purpose)

    def _refresh(self) -> None:
        self._refresh_at = time.monotonic() + REFRESH_INTERVAL
        if not self._secrets.have_changed():
            return
        try:
            super().__init__(*self._make_parts(self._secrets.read()))
        except (SecretUnreadable, SettingsError) as error:
            if str(error) != self._logged:
                self._log.error("secret of callbacks unreadable", error=str(error))
            self._logged = str(error)
        else:
            self._logged = None
            self._log.info("secrets of callbacks read again")
