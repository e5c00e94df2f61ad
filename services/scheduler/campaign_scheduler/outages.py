"""What is unavailable, said once when it begins and once when it ends."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import structlog

from campaign_common.errors import RetryLater

_log = structlog.get_logger()


class Outages:
    """The troubles of each part of the scheduler, logged when they change and not between."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[str, tuple[str, float]] = {}

    def began(self, part: str, error: Exception) -> None:
        """Note that `part` cannot go on because of `error`."""
        kind = type(error).__name__
        with self._lock:
            known, since = self._since.get(part, ("", monotonic()))
            self._since[part] = (kind, since)
        if known != kind:
            _log.warning("waiting", part=part, trouble=kind, error=str(error))

    def ended(self, part: str) -> None:
        """Note that `part` works."""
        if part not in self._since:
            return
        with self._lock:
            _, since = self._since.pop(part, ("", monotonic()))
        _log.info("going on", part=part, seconds=round(monotonic() - since, 1))

    @contextmanager
    def guarding(self, part: str) -> Iterator[None]:
        """Survive what passes by itself, and log what should not happen with its trace."""
        try:
            yield
        except RetryLater as error:
            self.began(part, error)
        except Exception as error:
            if self._is_new(part, error):
                _log.exception("unexpected failure", part=part)
        else:
            self.ended(part)

    def _is_new(self, part: str, error: Exception) -> bool:
        kind = repr(error)
        with self._lock:
            known, since = self._since.get(part, ("", monotonic()))
            self._since[part] = (kind, since)
        return known != kind


class Backoff:
    """Waits that double from `first` to `longest` seconds until something succeeds."""

    def __init__(self, wait: Callable[[float], object], first: float, longest: float) -> None:
        self._wait = wait
        self._first = first
        self._longest = longest
        self._next = first

    def pause(self) -> None:
        """Wait after a failure, longer each time."""
        self._wait(self._next)
        self._next = min(self._next * 2, self._longest)

    def succeeded(self) -> None:
        """Begin with the short wait again."""
        self._next = self._first
