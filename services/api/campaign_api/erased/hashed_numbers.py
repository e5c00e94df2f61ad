"""The numbers of one batch, hashed with each key at most once."""

from collections.abc import Sequence

from campaign_api.erased.keys import ErasureKeys


class HashedNumbers:
    """A batch of numbers, whose hashes are computed when they are asked for."""

    def __init__(self, keys: ErasureKeys, phones: Sequence[str]) -> None:
        self.phones = phones
        self._keys = keys
        self._hashes: dict[str, list[int]] = {}

    def with_key(self, key_id: str) -> list[int]:
        """Return the hash of each number.

        Raises:
            ErasureKeyMissing: the key is not configured any more, or can not be read.
        """
        found = self._hashes.get(key_id)
        if found is None:
            key = self._keys.required([key_id])[key_id]
            found = self._hashes[key_id] = key.hashes(self.phones)
        return found
