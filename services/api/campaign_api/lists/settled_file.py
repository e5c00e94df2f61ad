"""Reader of a file that may still be written: it is read completely or refused."""

import errno
import fcntl
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from campaign_api.errors import CsvRefused

QUIET = 1.0
"""Seconds for which a file without a last line end must not have changed, where the system does not
tell whether it is still open for writing."""

MOUNTS = Path("/proc/self/mountinfo")

LOCAL = frozenset({"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"})
"""File systems whose leases tell of the writers of this machine."""

STILL_WRITTEN = "the file is still open for writing; send the request again when it is complete"
CHANGED = "the file changed while it was read; send the request again when it is complete"


class SettledFile:
    """Regular file that is read, and refused if it is written to meanwhile.

    If the system tells, the file may not be open for writing when it is opened and when it has
    been read. Linux tells for files of the API's own user, and to root. If it does not, a file
    whose last line has no end may be incomplete, so it must not have changed for a second. In any
    case size and time of change must be the same at the end, and the whole file must have been
    read.
    """

    def __init__(
        self,
        file: BinaryIO,
        wait: Callable[[float], None] = time.sleep,
        is_written: Callable[[int], bool | None] | None = None,
    ) -> None:
        """Wrap a file that is opened for reading only, at its beginning.

        Raises:
            CsvRefused: it is open for writing.
        """
        self._file = file
        self._wait = wait
        self._is_written = is_written or is_open_for_writing
        self._before = os.fstat(file.fileno())
        self._length = 0
        self._ends_a_line = True
        self._require_closed()

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end.

        Raises:
            CsvRefused: the file is, or was, being written: seen at the end, and as soon as there
                is more than there was.
        """
        block = self._file.read(size) or b""
        if block:
            self._length += len(block)
            # A writer that is faster than this reader would keep it reading.
            if self._length > self._before.st_size:
                raise CsvRefused(CHANGED)
            self._ends_a_line = block[-1:] in (b"\n", b"\r")
        else:
            self._require_unchanged()
        return block

    def _require_closed(self) -> bool:
        """Refuse a file that is open for writing; returns whether the system tells."""
        written = self._is_written(self._file.fileno())
        if written:
            raise CsvRefused(STILL_WRITTEN)
        return written is not None

    def _require_unchanged(self) -> None:
        if not self._require_closed() and not self._ends_a_line:
            rested = time.time() - self._before.st_mtime
            self._wait(min(max(QUIET - rested, 0.0), QUIET))
        after = os.fstat(self._file.fileno())
        if _state(after) != _state(self._before) or self._length != after.st_size:
            raise CsvRefused(CHANGED)


def is_open_for_writing(descriptor: int) -> bool | None:
    """Return whether any program has a file open for writing; None where the system does not tell.

    Linux grants a lease for reading only on a file that is not (fcntl(2), F_SETLEASE). It needs the
    owner of the file, or CAP_LEASE, and a file system of this machine: NFS and SMB refuse a lease
    whenever their server has not granted one. The descriptor must be open for reading alone.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        # Who opens the file for writing just now breaks the lease, which is told by a signal: by
        # one that does nothing, instead of SIGIO, which would end the process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        is_held = error.errno == errno.EAGAIN and _is_local(os.fstat(descriptor).st_dev)
        return True if is_held else None
    return False


def _is_local(device: int) -> bool:
    """Return whether a device is known to be a file system of this machine (proc(5), mountinfo)."""
    number = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError):
        for line in MOUNTS.read_text().splitlines():
            mount, _, system = line.partition(" - ")
            if mount.split()[2] == number:
                return system.split()[0] in LOCAL
    return False


def _state(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
