"""Looking at the system as a whole now and then, for the metrics; nothing rests on it."""

from collections.abc import Callable
from time import monotonic

from campaign_common.database import Databases
from campaign_common.store.observation import Position, Totals, read_positions, read_totals

OBSERVATION_INTERVAL = 5.0
"""Seconds between two looks."""


class Observer:
    """Remembers what it last saw, and since when each campaign of `owner` has not moved."""

    def __init__(
        self, databases: Databases, owner: str, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._databases = databases
        self._owner = owner
        self._clock = clock
        self._since: dict[Position, float] = {}
        self.totals: Totals | None = None
        """None before the first look."""

    def observe(self) -> None:
        """Look once.

        Raises:
            RetryLater: a database is away; what was seen before stays.
        """
        with self._databases.reading() as cursors:
            totals = read_totals(cursors)
            positions = read_positions(cursors, self._owner)
        now = self._clock()
        self._since = {position: self._since.get(position, now) for position in positions}
        self.totals = totals

    @property
    def longest_standstill(self) -> float:
        """Seconds since the campaign that has stood still longest has moved; 0 without any."""
        since = min(self._since.values(), default=None)
        return 0.0 if since is None else self._clock() - since
