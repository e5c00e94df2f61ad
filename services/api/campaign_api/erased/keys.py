"""The keys of the configuration by which erased people are recognized."""

from collections.abc import Iterable, Sequence
from threading import Lock

from campaign_api.errors import ErasureKeyMissing
from campaign_common.domain.erasure.erasure_key import ErasureKey, packed
from campaign_common.runtime.outage_log import Outage
from campaign_common.settings import ErasureSettings
from campaign_common.store.suppressions.hashed_suppressions import HashedPerson
from campaign_providers.secret_files import SecretFiles, SecretUnreadable

NAME = "Erasure.Keys.{}"


class ErasureKeys:
    """The keys, read from their files, and again when a file changes.

    While a file cannot be read again, the keys that were read before count.
    """

    def __init__(self, settings: ErasureSettings) -> None:
        self.are_configured = bool(settings.keys)
        self._files = SecretFiles({NAME.format(n): each for n, each in enumerate(settings.keys)})
        self._reading = Lock()
        self._keys: dict[str, ErasureKey] = {}
        self._outage = Outage("keys of erasures not read again", "keys of erasures read again")

    def current(self) -> ErasureKey | None:
        """Return the key of new hashes, or None where none is configured.

        Raises:
            ErasureKeyMissing: a key can not be read.
        """
        return self._read().get(NAME.format(0))

    def required(self, key_ids: Iterable[str]) -> dict[str, ErasureKey]:
        """Return all keys by their ids, with those of `key_ids` among them.

        Raises:
            ErasureKeyMissing: one is not configured, or a key can not be read.
        """
        known = {key.id: key for key in self._read().values()}
        missing = sorted({*key_ids} - known.keys())
        if missing:
            raise ErasureKeyMissing(
                f"people were erased with the key {', '.join(missing)}, which is none of"
                " Erasure.Keys here"
            )
        return known

    def hashed(self, phones: Sequence[str]) -> dict[str, list[HashedPerson]]:
        """Return people by their numbers, as each of the configured keys has them.

        Raises:
            ErasureKeyMissing: a key can not be read.
        """
        people: dict[str, list[HashedPerson]] = {phone: [] for phone in phones}
        for key in self._read().values():
            for phone, each in zip(people, key.hashes([*people]), strict=True):
                people[phone].append(HashedPerson(key.id, packed(each)))
        return people

    def readable_hashes(self, phone: str) -> Sequence[HashedPerson]:
        """Return a person as each of the keys has it; nothing while a key can not be read.

        For what must not wait for a key, such as the wish not to be written to.
        """
        try:
            return self.hashed([phone])[phone]
        except ErasureKeyMissing:
            return ()

    def _read(self) -> dict[str, ErasureKey]:
        with self._reading:
            if not self._keys or self._files.have_changed():
                try:
                    self._keys = self._from_files()
                except ErasureKeyMissing as error:
                    if not self._keys:
                        raise
                    # As while a secret is replaced: the next use reads it again.
                    self._outage.failed(str(error))
                else:
                    self._outage.recovered()
            return self._keys

    def _from_files(self) -> dict[str, ErasureKey]:
        try:
            secrets = self._files.read()
        except SecretUnreadable as error:
            raise ErasureKeyMissing(str(error)) from error
        try:
            return {name: ErasureKey(secret) for name, secret in secrets.items()}
        except ValueError as error:
            raise ErasureKeyMissing(f"one of Erasure.Keys is too short: {error}") from error
