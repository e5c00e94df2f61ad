"""Links to unsubscribe, with the secrets as they are now: files are read again when they change."""

import threading
import time

import structlog

from campaign_common.domain.content.unsubscribe_link import MakeLink, unsubscribe_link
from campaign_common.errors import RetryLater
from campaign_common.settings import CallbacksSettings, Settings
from campaign_providers.callbacks.reference_secrets import KEY, ReferenceSecrets
from campaign_providers.callbacks.references import SHORTEST_SECRET
from campaign_providers.secret_files import REFRESH_INTERVAL, SecretFiles, SecretUnreadable
from campaign_providers.unsubscribe.link_references import (
    LinkReference,
    LinkSigner,
    sample_reference,
)

log = structlog.get_logger()


class LinksUnsigned(RetryLater):
    """Links can be neither made nor checked here: there is no secret, or none can be read."""


class UnsubscribeLinks:
    """Links as the configured secrets sign them; thread-safe.

    Secrets are read when the first link is made or checked: a service whose campaigns have none
    needs no secret. When a file becomes unreadable later, or holds what is no secret, those before
    are used further. Every method that signs or checks raises `LinksUnsigned` before that.
    """

    def __init__(self, callbacks: CallbacksSettings) -> None:
        self._secrets = ReferenceSecrets(callbacks)
        self._files = SecretFiles(self._secrets.settings)
        self._signer: LinkSigner | None = None
        self._refresh_at = 0.0
        self._refreshing = threading.Lock()
        self._problem: str | None = None

    def of_campaign(self, base_url: str, campaign_id: int) -> MakeLink:
        """Return a function that makes the links of a campaign, by the seq of a recipient."""
        before = unsubscribe_link(base_url, "")
        make = self._current().of_campaign(campaign_id)
        return lambda seq: before + make(seq)

    def require(self) -> None:
        """Require that links can be made and checked now; once they can, they always can."""
        self._current()

    def of_test(self, base_url: str, campaign_id: int) -> str:
        """Return the link in a test message of a campaign; it changes nothing."""
        return unsubscribe_link(base_url, self._current().of_test(campaign_id))

    def read(self, text: str) -> LinkReference | None:
        """Return what the reference of a link names; None: it is none of ours."""
        return self._current().read(text)

    def _current(self) -> LinkSigner:
        if self._signer is None or time.monotonic() >= self._refresh_at:
            with self._refreshing:
                self._refresh()
        if self._signer is None:
            raise LinksUnsigned(f"links to unsubscribe can not be signed: {self._problem}")
        return self._signer

    def _refresh(self) -> None:
        self._refresh_at = time.monotonic() + REFRESH_INTERVAL
        if self._signer is not None and not self._files.have_changed():
            return
        try:
            self._signer = self._read()
        except SecretUnreadable as error:
            if str(error) != self._problem:
                log.error("secret of links unreadable", error=str(error))
            self._problem = str(error)
        else:
            self._problem = None

    def _read(self) -> LinkSigner:
        secrets = self._secrets.values(self._files.read())
        if min(map(len, secrets)) < SHORTEST_SECRET:
            raise SecretUnreadable(f"{KEY}: expected secrets of at least {SHORTEST_SECRET} bytes")
        return LinkSigner(secrets, self._secrets.from_campaigns)


def links_of(settings: Settings) -> UnsubscribeLinks | None:
    """Return the links that a configuration describes; None: it has no `Callbacks.BaseUrl`."""
    return None if settings.callbacks.base_url is None else UnsubscribeLinks(settings.callbacks)


def sample_links(base_url: str, campaign_id: int) -> MakeLink:
    """Return a function that makes texts as long as the links of a campaign, which lead nowhere."""
    before = unsubscribe_link(base_url, "")
    return lambda seq: before + sample_reference(campaign_id, seq)
