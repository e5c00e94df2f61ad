"""Files below CsvRoot, the only ones that a request may name."""

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from campaign_api.errors import PathRefused

DATABASE_FILES = ("ibdata1", "ib_logfile0", "mysql.ibd", "#innodb_redo", "aria_log_control")
"""Names in the data folder of every MySQL and MariaDB server; no list is read from there."""


def open_below(root: Path, relative: str, private: Sequence[Path] = ()) -> BinaryIO:
    """Open the regular file `relative` below `root` for reading, unbuffered.

    A symlink may lead elsewhere below `root`, never out of it. Neither a database's own files are
    opened nor those that `private` names, under whatever name they are asked for.

    Raises:
        PathRefused: the path is absolute, contains `..`, leads outside `root`, does not
            exist, cannot be read, is no regular file, or one of those.
    """
    _require_relative(relative)
    inside = _resolve(root, relative)
    # Every folder is opened from the one before and no link is followed any more: what the
    # check above has seen cannot be swapped for a link before it is opened here.
    try:
        folder = os.open(os.path.realpath(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            descriptor = _walk(folder, inside.parts)
        finally:
            os.close(folder)
    except OSError as error:
        raise _refused(relative, error) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise PathRefused(f"csv_file_path {relative!r} is not a regular file")
    if _is_one_of(status, private):
        os.close(descriptor)
        raise PathRefused(f"csv_file_path {relative!r} belongs to the API service itself")
    return os.fdopen(descriptor, "rb", buffering=0)


def _require_relative(relative: str) -> None:
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts:
        raise PathRefused(
            f"csv_file_path {relative!r} must be a path below CsvRoot, relative and without '..'"
        )
    if "\0" in relative or not path.parts:
        raise PathRefused(f"csv_file_path {relative!r} names no file")


def _resolve(root: Path, relative: str) -> PurePosixPath:
    try:
        actual_root = Path(os.path.realpath(root, strict=True))
        actual = Path(os.path.realpath(actual_root / relative, strict=True))
    except (OSError, ValueError) as error:
        raise _refused(relative, error) from error
    if not actual.is_relative_to(actual_root):
        raise PathRefused(f"csv_file_path {relative!r} leads outside CsvRoot")
    return PurePosixPath(actual.relative_to(actual_root))


def _walk(folder: int, parts: tuple[str, ...]) -> int:
    if not parts:
        return os.dup(folder)
    kept = os.dup(folder)
    try:
        for part in parts[:-1]:
            _require_no_database(kept)
            below = os.open(
                part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=kept
            )
            os.close(kept)
            kept = below
        _require_no_database(kept)
        # O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(parts[-1], flags, dir_fd=kept)
    finally:
        with suppress(OSError):
            os.close(kept)


def _require_no_database(folder: int) -> None:
    for name in DATABASE_FILES:
        with suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            raise PathRefused("csv_file_path leads into the data folder of a database server")


def _is_one_of(status: os.stat_result, private: Sequence[Path]) -> bool:
    for path in private:
        with suppress(OSError):
            if os.path.samestat(status, path.stat()):
                return True
    return False


def _refused(relative: str, error: Exception) -> PathRefused:
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOENT, errno.ENOTDIR):
        return PathRefused(f"csv_file_path {relative!r} does not exist below CsvRoot")
    if code in (errno.EACCES, errno.EPERM):
        return PathRefused(f"csv_file_path {relative!r} may not be read by the API service")
    if code == errno.ELOOP:
        return PathRefused(f"csv_file_path {relative!r} is a symlink that leads nowhere")
    return PathRefused(f"csv_file_path {relative!r} cannot be opened")
