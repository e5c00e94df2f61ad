"""A log of what is unavailable: one line when an outage begins, and one when it ends."""

import threading
from collections.abc import Callable
from time import time

import structlog

from campaign_common.errors import RetryLater
from campaign_common.runtime.obstacle import Obstacle

_log = structlog.get_logger()


class Outage:
    """The outages of one thing, logged when they begin, when the error changes and when they end.

    `began` and `ended` are the events; `logger` may have keys of its own.
    """

    def __init__(self, began: str, ended: str, logger: structlog.stdlib.BoundLogger = _log) -> None:
        self._began = began
        self._ended = ended
        self._log = logger
        self._obstacle = Obstacle()

    def failed(self, error: str) -> None:
        """Note a failure."""
        if self._obstacle.met(error):
            self._log.warning(self._began, error=error)

    def recovered(self) -> None:
        """Note a success."""
        seconds = self._obstacle.overcome()
        if seconds is not None:
            self._log.info(self._ended, seconds=round(seconds, 1))


class OutageLog:
    """Outages by component of a process, logged when they change and not between."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._obstacles: dict[str, Obstacle] = {}
        self.succeeded_at: dict[str, float] = {}
        """When each component last succeeded, in seconds since 1970: for the metrics."""

    def failed(self, component: str, error: Exception) -> None:
        """Note that `component` cannot go on because of `error`."""
        kind = type(error).__name__
        if self._is_new(component, f"{kind}: {error}"):
            _log.warning("dependency unavailable", component=component, kind=kind, error=str(error))

    def recovered(self, component: str) -> None:
        """Note that `component` works."""
        with self._lock:
            obstacle = self._obstacles.get(component)
            seconds = obstacle.overcome() if obstacle else None
        if seconds is not None:
            _log.info("dependency recovered", component=component, seconds=round(seconds, 1))

    def run(self, component: str, work: Callable[[], object]) -> bool:
        """Do `work` and return whether it succeeded.

        A `RetryLater` is logged as an outage, anything else with its trace.
        """
        try:
            work()
        except RetryLater as error:
            self.failed(component, error)
            return False
        except Exception as error:  # noqa: BLE001 - one bad campaign must not stop the others
            if self._is_new(component, repr(error)):
                _log.exception("unexpected failure", component=component)
            return False
        self.recovered(component)
        self.succeeded_at[component] = time()
        return True

    def _is_new(self, component: str, error: str) -> bool:
        with self._lock:
            return self._obstacles.setdefault(component, Obstacle()).met(error)
