"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable

PAUSE = 0.02


def wait_until(condition: Callable[[], object], timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(PAUSE)
