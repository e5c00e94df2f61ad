"""Waiting for conditions instead of sleeping for luck."""

import time
from collections.abc import Callable

INTERVAL = 0.02


def wait_until(
    condition: Callable[[], object], timeout: float = 60.0, *, interval: float = INTERVAL
) -> None:
    """Wait until `condition` holds, and fail when it does not within `timeout` seconds.

    It is looked at every `interval` seconds: more when looking costs what is being waited for.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout:g} s"
        time.sleep(interval)
