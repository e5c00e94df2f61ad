"""Writer with the secrets as they are now: their files are read again when they change."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

import structlog

from campaign_common.settings import HttpRequestSettings
from campaign_providers.contract import MakeReferences, MessageReferences
from campaign_providers.http.requests.callback_fields import without_callback_urls
from campaign_providers.http.requests.writer import RequestWriter
from campaign_providers.secret_files import SecretFiles, SecretUnreadable

log = structlog.get_logger()


class MadeWriter(NamedTuple):
    """A writer, and what it was made with."""

    writer: RequestWriter
    secrets: Mapping[str, str]
    references: MessageReferences | None


class WriterSource:
    """Settings and secrets that a writer is made of."""

    def __init__(self, settings: HttpRequestSettings, references: MakeReferences | None) -> None:
        """Take the settings of a provider, and the references of its callbacks, if it has any."""
        self._settings = settings
        self._references = references
        others = {} if references is None else references.secrets
        self.files = SecretFiles({**settings.secrets_of_requests, **others})

    def read(self) -> MadeWriter:
        """Return a writer with the secrets as they are now.

        Raises:
            SecretUnreadable: one can not be read, or can not be what it is for.
        """
        read = self.files.read()
        secrets = {name: read[name] for name in self._settings.secrets_of_requests}
        try:
            references = None if self._references is None else self._references(read)
        except ValueError as error:
            raise SecretUnreadable(f"secrets of references: {error}") from error
        return MadeWriter(RequestWriter(self._settings, secrets, references), secrets, references)


class CurrentWriter:
    """Writer of a provider as its secrets are now; without readable secrets there is none.

    When a file becomes unreadable later, the secret that it held before is used further. It is
    tried at every `refresh` until it can be read, and logged once.
    """

    def __init__(
        self,
        name: str,
        settings: HttpRequestSettings,
        digest_key: bytes = b"",
        references: MakeReferences | None = None,
    ) -> None:
        self._digest_key = digest_key
        self.digest: str | None = None
        """Keyed digest of the secrets and templates in use; None while there is no writer."""
        self.name = name
        """Of the provider."""
        self._log = log.bind(provider=name)
        self._settings = settings
        self._source = WriterSource(settings, references)
        self.writer: RequestWriter | None = None
        self.problem: str | None = None
        """Why there is no writer."""
        self._logged: str | None = None
        self._read()

    def refresh(self) -> bool:
        """Read the secrets again if a file has changed; return whether that made another writer."""
        if not self._source.files.have_changed():
            return False
        before = self.writer
        self._read()
        if self.writer is before:
            return False
        self._log.info("secrets read again")
        return True

    def _read(self) -> None:
        try:
            writer, secrets, _ = self._source.read()
        except SecretUnreadable as error:
            if str(error) != self._logged:
                self._log.error("secret unreadable", error=str(error))
            self._logged = str(error)
            if self.writer is None:
                self.problem = str(error)
            return
        self._logged, self.writer = None, writer
        self.digest = account_digest(self._settings, secrets, self._digest_key)
        self.problem = None


def account_digest(settings: HttpRequestSettings, secrets: Mapping[str, str], key: bytes) -> str:
    """Return the keyed digest of the secrets and templates of a provider."""
    # Credentials may also stand in the templates, as constants.
    given = without_callback_urls(settings)
    templates = (given.url, given.headers, given.basic, given.sign, given.body, given.from_)
    content = "\n".join([repr(templates), *map(repr, sorted(secrets.items()))])
    return blake2b(content.encode(), key=key, digest_size=16).hexdigest()
