"""Late slots: says when slots are not planned before they begin, so that no grants are there."""

import structlog

from campaign_common.runtime.outage_log import Outage

SAID_AFTER = 5.0
"""Late turns after which it is said: the first slots are always blank, and so are two behind one
that was missed."""

LATE_FADING = 0.25
"""Late turns that each turn in time makes up for."""

TOO_LATE = "{}: slots begin before they are planned: the database is far, or the machine slow"


class LateSlots:
    """Log of grants that are leased too late: the database is too far, or the process too slow."""

    def __init__(self, subject: str) -> None:
        self._late = 0.0
        self._is_late = False
        self._outage = Outage(
            "grants leased too late, sends delayed",
            "grants leased in time again",
            structlog.get_logger().bind(component=subject),
        )

    @property
    def is_late(self) -> bool:
        """Return whether slots begin without grants for this reason."""
        return self._is_late

    def note(self, *, is_late: bool) -> None:
        """Note a turn: whether a slot has begun before it was planned, or is blank for that."""
        change = 1.0 if is_late else -LATE_FADING
        self._late = min(SAID_AFTER + 1, max(0.0, self._late + change))
        if self._late >= SAID_AFTER:
            self._is_late = True
            self._outage.failed("slots begin before they are planned")
        elif self._late < 1 and self._is_late:
            self._is_late = False
            self._outage.recovered()
