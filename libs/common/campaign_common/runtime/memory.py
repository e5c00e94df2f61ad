"""The C library's allocator, told to give memory back that a flood took."""

import ctypes
import sys
from contextlib import suppress

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE = 65_536
"""Bytes from which on an allocation is a mapping of its own, which goes when it is freed.

glibc raises its threshold with each such allocation unless it is set (mallopt(3)).
"""

_ARENAS = 2
"""Heaps of all threads together: each keeps what was freed in it."""


def keep_small() -> None:
    """Make this process keep little of what it frees; does nothing without glibc."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give free memory at the end of the heaps back to the system (malloc_trim(3))."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
