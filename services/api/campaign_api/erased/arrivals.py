"""Erased people in the files of imports."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from campaign_api.erased.hashed_numbers import HashedNumbers
from campaign_api.erased.keys import ErasureKeys
from campaign_api.erased.people import SUPPRESSED, ErasedPeople
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor
from campaign_common.store.recipients.erased_people import last_erased_id
from campaign_common.store.recipients.recipients import NewRecipient
from campaign_common.store.suppressions.hashed_suppressions import restore_suppressions

ACTOR = "import"
"""Stands for the person who changes the suppressions of people that a list brings back."""


class Arrivals(NamedTuple):
    """Rows of a batch: those that are stored, and the seqs of erased people."""

    rows: Sequence[NewRecipient]
    erased_seqs: Sequence[int]


class ErasedArrivals:
    """Erased people of one import, kept apart; a person counts once, however often listed.

    Those whom the import brings back have the suppressions again that their erasure has left.
    """

    def __init__(
        self, keys: ErasureKeys, people: ErasedPeople, suppressed: ErasedPeople, shards: int
    ) -> None:
        """Take those to leave out, and those who are known to have suppressions.

        `shards` is what the stored rows of erased people take their shard from.
        """
        self.shards = shards
        self._keys = keys
        self._people = people
        self._suppressed = suppressed
        self._first_seqs: dict[str, int] = {}

    @property
    def count(self) -> int:
        """People of the file so far who were erased before."""
        return len(self._first_seqs)

    def split(
        self,
        cursor: Cursor,
        rows: Sequence[NewRecipient],
        computing: AbstractContextManager[object],
    ) -> Arrivals:
        """Split the rows of a batch in the transaction that inserts them; may be repeated.

        Hashes are computed within `computing`. No person is erased until the transaction ends.

        Raises:
            ErasureKeyMissing: there is a hash whose key is not configured here.
        """
        self._people.hold(cursor)
        self._suppressed.hold(cursor)
        with computing:
            numbers = HashedNumbers(self._keys, [row.phone for row in rows])
            erased = self._people.among(numbers)
            returning = self._suppressed.among(numbers) - erased
        if returning:
            # Whoever can be sent something is found by the number, which costs a sender nothing.
            restore_suppressions(cursor, self._keys.hashed(sorted(returning)), ACTOR)
        if not erased:
            return Arrivals(rows, ())
        first_seqs = self._first_seqs
        return Arrivals(
            [row for row in rows if row.phone not in erased],
            [
                row.seq
                for row in rows
                if row.phone in erased and first_seqs.setdefault(row.phone, row.seq) == row.seq
            ],
        )


class ErasureRegister:
    """Source of what imports need to know of erased people; a process has one."""

    def __init__(self, transactions: RetryingTransactions, keys: ErasureKeys, shards: int) -> None:
        self._transactions = transactions
        self._keys = keys
        self._shards = shards
        self._people = ErasedPeople(keys)
        self._suppressed = ErasedPeople(keys, SUPPRESSED)

    def begin(self, *, reconsented: bool) -> ErasedArrivals:
        """Begin an import; if its people have consented again, only later erasures count.

        Raises:
            ErasureKeyMissing: people were erased with a key that is not configured here.
            RetryLater: the database is unavailable.
        """
        people = self._people
        if reconsented:
            people = ErasedPeople(self._keys, after_id=self._transactions.run(last_erased_id))
        for known in (people, self._suppressed):
            while self._transactions.run(known.read_some):
                pass
        return ErasedArrivals(self._keys, people, self._suppressed, self._shards)
