"""Erased people as one process knows them: their hashes, read once and followed."""

from collections import defaultdict
from collections.abc import Sequence
from threading import Lock

from campaign_api.erased.keys import ErasureKeys
from campaign_common.database import Cursor
from campaign_common.store.recipients.erased_people import (
    hold_erased_people,
    last_erased_id,
    read_erased_people,
)

AT_ONCE = 50_000
"""Hashes read in one statement, at most."""


class ErasedPeople:
    """The hashes of people who were erased after one point, shared by threads.

    A hash takes about 80 bytes. One that is deleted from the table stays known until the
    process ends.
    """

    def __init__(self, keys: ErasureKeys, after_id: int = 0) -> None:
        """Know the people whose hashes have an id above `after_id`."""
        self._keys = keys
        self._reading = Lock()
        self._after_id = self._read_up_to = after_id
        self._by_key: dict[str, set[int]] = defaultdict(set)

    def read_some(self, cursor: Cursor) -> bool:
        """Read the next hashes, without a lock; return whether there may be more.

        Raises:
            ErasureKeyMissing: there is a hash whose key is not configured here.
        """
        last_id = last_erased_id(cursor)
        with self._reading:
            if last_id != self._read_up_to:
                self._read(cursor, last_id)
            self._keys.required(self._by_key)
            return self._read_up_to < last_id

    def hold(self, cursor: Cursor) -> None:
        """Read what is new, and let no person be erased until the transaction ends.

        Raises:
            ErasureKeyMissing: there is a new hash whose key is not configured here.
        """
        last_id = hold_erased_people(cursor)
        if last_id == self._read_up_to:
            return
        with self._reading:
            while self._read_up_to < last_id:
                self._read(cursor, last_id)
            self._keys.required(self._by_key)

    def among(self, phones: Sequence[str]) -> set[str]:
        """Return those of `phones` whose people were erased.

        Raises:
            ErasureKeyMissing: a key is not configured any more, or can not be read.
        """
        found: set[str] = set()
        if not self._by_key:
            return found
        keys = self._keys.required(self._by_key)
        for key_id, erased in list(self._by_key.items()):
            hashes = keys[key_id].hashes(phones)
            if hits := erased.intersection(hashes):
                found |= {phones[n] for n, each in enumerate(hashes) if each in hits}
        return found

    def _read(self, cursor: Cursor, last_id: int) -> None:
        if last_id < self._read_up_to:
            # An earlier state of the database was restored under this process.
            self._by_key.clear()
            self._read_up_to = self._after_id
        last_id = min(last_id, self._read_up_to + AT_ONCE)
        found = read_erased_people(cursor, after_id=self._read_up_to, last_id=last_id)
        for key_id, hashes in found.items():
            self._by_key[key_id].update(hashes)
        self._read_up_to = last_id
