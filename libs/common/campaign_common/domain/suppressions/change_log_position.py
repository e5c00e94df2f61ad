"""Position of a reader in a table whose ids are not given in the order of commits.

A transaction takes its id when it inserts, and others see the row when it commits. A reader that
asks only for ids above the last one that it saw never sees a row that commits late.
"""

from collections.abc import Iterable
from typing import NamedTuple

MARGIN = 5.0
"""Seconds for what TranTimeout does not bound: COMMIT itself, and clocks of two servers."""


def longest_transaction(tran_timeout: float) -> float:
    """Return the seconds after which a row that is not visible never will be.

    A writer is done within `TranTimeout`. If it is suspended before its COMMIT, the server ends its
    session after another `TranTimeout` and a second. Writers confirm nothing that took longer.
    """
    return 2 * tran_timeout + MARGIN


class LoggedRow(NamedTuple):
    """A row of the table, as read: seconds since it was inserted, by the server's clock."""

    id: int
    age: float


class ChangeLogPosition:
    """The ids that a reader has seen, and the id up to which all are settled.

    Up to `settled` every row that will ever exist was seen. Ids above it are read with each look.
    It moves on over ids that follow each other, and over gaps that are older than the longest
    transaction: those were rolled back.
    """

    def __init__(self, settled: int, longest: float) -> None:
        self.settled = settled
        self._longest = longest
        self._seen: set[int] = set()

    @property
    def latest(self) -> int:
        """The highest id that was seen."""
        return max(self._seen, default=self.settled)

    def unseen(self, rows: Iterable[LoggedRow]) -> set[int]:
        """Return the ids of rows that were not seen before."""
        return {row.id for row in rows if row.id > self.settled} - self._seen

    def note(self, rows: Iterable[LoggedRow]) -> None:
        """Note that rows were seen, all that one look has found above `settled`."""
        for row in rows:
            if row.id > self.settled:
                self._seen.add(row.id)
        old = max((row.id for row in rows if row.age >= self._longest), default=self.settled)
        self.settled = max(self.settled, old)
        while self.settled + 1 in self._seen:
            self.settled += 1
        self._seen = {one for one in self._seen if one > self.settled}
