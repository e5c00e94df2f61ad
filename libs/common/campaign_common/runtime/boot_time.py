"""A monotonic clock that includes suspension: a process that wakes up sees what is old."""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_time() -> float:
    """Return seconds since boot, suspension included."""
    return time.clock_gettime(_CLOCK)
