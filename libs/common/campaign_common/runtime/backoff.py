"""Backoff: pauses between attempts that grow until one succeeds."""

import random
from collections.abc import Callable


class Backoff:
    """Waits that double from `first` to `longest` seconds until something succeeds.

    `jitter`: the share of a wait by which it is shortened at random, so that processes do not
    coincide.
    """

    def __init__(
        self,
        wait: Callable[[float], object],
        first: float,
        longest: float,
        *,
        jitter: float = 0.0,
    ) -> None:
        self._wait = wait
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self._next = first

    def pause(self) -> None:
        """Wait after a failure, longer each time."""
        share = random.uniform(1 - self._jitter, 1)  # noqa: S311 - spreads retries, no secret
        self._wait(self._next * share)
        self._next = min(self._next * 2, self._longest)

    def succeeded(self) -> None:
        """Begin with the short wait again."""
        self._next = self._first
