"""Job that reads the values of the gauges that describe the whole system. Metrics only."""

from collections.abc import Callable
from time import monotonic

from campaign_common.database import Databases
from campaign_common.store.maintenance.gauges import Position, Totals, read_positions, read_totals

COLLECT_INTERVAL = 5.0
"""Seconds between two readings."""


class GaugeCollector:
    """The last reading, and the time since which each campaign of `owner` has not moved."""

    def __init__(
        self, databases: Databases, owner: str, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._databases = databases
        self._owner = owner
        self._clock = clock
        self._since: dict[Position, float] = {}
        self.totals: Totals | None = None
        """None before the first reading."""

    def collect(self) -> None:
        """Read the totals, and the positions of the leased campaigns.

        Raises:
            RetryLater: a database is down; the last reading stays.
        """
        with self._databases.reading() as cursors:
            totals = read_totals(cursors)
            positions = read_positions(cursors, self._owner)
        now = self._clock()
        self._since = {position: self._since.get(position, now) for position in positions}
        self.totals = totals

    @property
    def longest_stall(self) -> float:
        """Seconds since the campaign that stalled first has moved; 0 if there is none."""
        since = min(self._since.values(), default=None)
        return 0.0 if since is None else self._clock() - since
