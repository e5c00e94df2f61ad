"""Erased people as one process knows them: their hashes, read once and followed."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple

from campaign_api.erased.hashed_numbers import HashedNumbers
from campaign_api.erased.keys import ErasureKeys
from campaign_common.database import Cursor
from campaign_common.store.recipients.erased_people import (
    hold_erased_people,
    last_erased_id,
    read_erased_people,
)
from campaign_common.store.suppressions.hashed_suppressions import (
    last_suppression_hash,
    read_suppression_hashes,
)

AT_ONCE = 50_000
"""Hashes read in one statement, at most."""


class HashTable(NamedTuple):
    """A table of hashes, whose ids rise in the order of commits."""

    newest: Callable[[Cursor], int]
    """Reads the id of the newest hash."""
    hold: Callable[[Cursor], int]
    """Reads it, and lets no hash be added until the transaction ends."""
    read: Callable[..., Mapping[str, Sequence[int]]]
    """Reads the hashes with after_id < id <= last_id, by the id of their key."""


ERASED = HashTable(last_erased_id, hold_erased_people, read_erased_people)

SUPPRESSED = HashTable(last_suppression_hash, last_suppression_hash, read_suppression_hashes)
"""To be held after `ERASED`, which holds both. The newest id falls whenever that hash goes."""


class ErasedPeople:
    """The people whose hashes were added to a table after one point, shared by threads.

    A hash takes about 80 bytes. One that is deleted from the table stays known until the
    process ends: a suppression is looked for in the table again, and a person who was erased
    before a backup was restored stays left out.
    """

    def __init__(self, keys: ErasureKeys, table: HashTable = ERASED, after_id: int = 0) -> None:
        """Know the people whose hashes have an id above `after_id`."""
        self._keys = keys
        self._table = table
        self._reading = Lock()
        self._after_id = self._read_up_to = after_id
        self._by_key: dict[str, set[int]] = defaultdict(set)

    def read_some(self, cursor: Cursor) -> bool:
        """Read the next hashes, without a lock; return whether there may be more.

        Raises:
            ErasureKeyMissing: there is a hash whose key is not configured here.
        """
        last_id = self._table.newest(cursor)
        with self._reading:
            if last_id != self._read_up_to:
                self._read(cursor, last_id)
            self._keys.required(self._by_key)
            return self._read_up_to < last_id

    def hold(self, cursor: Cursor) -> None:
        """Read what is new, and let no hash be added until the transaction ends.

        Raises:
            ErasureKeyMissing: there is a new hash whose key is not configured here.
        """
        last_id = self._table.hold(cursor)
        if last_id == self._read_up_to:
            return
        with self._reading:
            while self._read_up_to < last_id:
                self._read(cursor, last_id)
            self._keys.required(self._by_key)

    def among(self, numbers: HashedNumbers) -> set[str]:
        """Return those of `numbers` whose people are known here.

        Raises:
            ErasureKeyMissing: a key is not configured any more, or can not be read.
        """
        found: set[str] = set()
        for key_id, known in list(self._by_key.items()):
            hashes = numbers.with_key(key_id)
            if hits := known.intersection(hashes):
                found |= {numbers.phones[n] for n, each in enumerate(hashes) if each in hits}
        return found

    def _read(self, cursor: Cursor, last_id: int) -> None:
        if last_id < self._read_up_to:
            # Newer hashes were deleted, or a backup was restored, whose next ids come once more.
            # What is known stays: other imports look people up at the same time, without a lock.
            self._read_up_to = self._after_id
        last_id = min(last_id, self._read_up_to + AT_ONCE)
        found = self._table.read(cursor, after_id=self._read_up_to, last_id=last_id)
        for key_id, hashes in found.items():
            self._by_key[key_id].update(hashes)
        self._read_up_to = last_id
