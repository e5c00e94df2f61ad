"""Liveness and readiness of a process without an API.

Alive means that its loops move; nothing outside of the process makes it dead, because a new
one would fare no better. Ready means that it has started, is not stopping, that the database
and Kafka answer, and that the database takes writes.
"""

import threading
from collections.abc import Callable, Mapping
from time import monotonic

import structlog

from campaign_common.database import Databases
from campaign_common.errors import CampaignError
from campaign_common.health.write_check import WriteCheck
from campaign_common.kafka import clients, topics
from campaign_common.schema import SchemaCheck
from campaign_common.settings import Settings

INTERVAL = 2.0
"""Seconds between two rounds of checks."""

OLD_AFTER = 20.0
"""Seconds after which a round of checks that has not ended counts as failed."""

LOOP_STUCK_AFTER = 300.0
"""Seconds without a beat after which a loop is called stuck: longer than any wait in it."""

log = structlog.get_logger()

HealthCheck = Callable[[], object]
"""Raises CampaignError, with the reason, when something is in the way."""


class HealthMonitor:
    """Record of the beats of a process's loops and of the results of its checks."""

    def __init__(
        self,
        checks: Mapping[str, HealthCheck],
        stopping: threading.Event,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._checks = dict(checks)
        self._stopping = stopping
        self._clock = clock
        self._beats: dict[str, float] = {}
        self._has_started = False
        self._troubles: dict[str, str] = {}
        self._checked_at: float | None = None

    def add(self, part: str, check: HealthCheck) -> None:
        """Add a check of a part that is made later than this."""
        self._checks[part] = check

    def started(self) -> None:
        """Note that the process has begun its work."""
        self._has_started = True

    def beat(self, loop: str) -> None:
        """Note that a loop has come round; from its first beat on it has to go on beating."""
        self._beats[loop] = self._clock()

    def check(self) -> None:
        """Run every check once; none while the process stops, whose answer is known."""
        if self._stopping.is_set():
            return
        troubles = {}
        for part, check in list(self._checks.items()):
            try:
                check()
            except CampaignError as error:
                troubles[part] = f"{part}: {error}"
            except Exception as error:
                # An unforeseen error must not end the thread: its last answer would stay.
                log.exception("check failed", check=part)
                troubles[part] = f"{part}: {type(error).__name__}"
        self._troubles = troubles
        self._checked_at = self._clock()

    def why_dead(self) -> str | None:
        """Name the loop that is stuck; None while all move, or while the process stops."""
        if self._stopping.is_set():
            return None
        now = self._clock()
        for loop, at in list(self._beats.items()):
            if now - at > LOOP_STUCK_AFTER:
                return f"{loop} has not moved for {now - at:.0f} s"
        return None

    def why_not_ready(self) -> str | None:
        """Say what keeps the process from its work; None when nothing does."""
        if self._stopping.is_set():
            return "stopping"
        if self._checked_at is None or self._clock() - self._checked_at > OLD_AFTER:
            return "; ".join(self._troubles.values()) or "database or Kafka do not answer"
        if self._troubles:
            return "; ".join(self._troubles.values())
        return None if self._has_started else "starting"


def checks_of(settings: Settings, databases: Databases) -> dict[str, HealthCheck]:
    """Make the checks of a service that works on the database and on Kafka."""
    admin = clients.admin(settings)
    return {
        "database": SchemaCheck(databases, settings.msg_table_sharding_size).require,
        "writes": WriteCheck(databases, settings.msg_table_sharding_size).require,
        "Kafka": lambda: topics.describe(admin, settings.sync_client.topic),
    }
