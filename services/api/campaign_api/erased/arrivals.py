"""Erased people in the files of imports."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from campaign_api.erased.keys import ErasureKeys
from campaign_api.erased.people import ErasedPeople
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor
from campaign_common.store.recipients.erased_people import last_erased_id
from campaign_common.store.recipients.recipients import NewRecipient


class Arrivals(NamedTuple):
    """Rows of a batch: those that are stored, and the seqs of erased people."""

    rows: Sequence[NewRecipient]
    erased_seqs: Sequence[int]


class ErasedArrivals:
    """Keeps erased people of one import apart; a person counts once, however often listed."""

    def __init__(self, people: ErasedPeople, shards: int) -> None:
        """`shards` is what the stored rows of erased people take their shard from."""
        self.shards = shards
        self._people = people
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
        with computing:
            erased = self._people.among([row.phone for row in rows])
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

    def begin(self, *, reconsented: bool) -> ErasedArrivals:
        """Begin an import; if its people have consented again, only later erasures count.

        Raises:
            ErasureKeyMissing: people were erased with a key that is not configured here.
            RetryLater: the database is unavailable.
        """
        people = self._people
        if reconsented:
            people = ErasedPeople(self._keys, self._transactions.run(last_erased_id))
        while self._transactions.run(people.read_some):
            pass
        return ErasedArrivals(people, self._shards)
