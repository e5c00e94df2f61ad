"""Folders for one run, removed when it ends, and by the next run when it was killed."""

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local_stack.distributions.cache import REPOSITORY

# In the repository and not in /tmp, which may be memory: a rate measured there leaves the disk out.
SCRATCH = REPOSITORY / ".local" / "scratch"


@contextmanager
def scratch_folder(purpose: str, parent: Path = SCRATCH) -> Iterator[Path]:
    """Provide a new empty folder for the time of the block."""
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (parent / "sweep.lock").open("w") as sweeping:
        fcntl.flock(sweeping, fcntl.LOCK_EX)  # no process sweeps between the next two lines
        _sweep(parent)
        folder = parent / f"{purpose}-{secrets.token_hex(4)}"
        owner = _lock_file(folder).open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder, owner)


def _sweep(parent: Path) -> None:
    """Remove the folders of runs that have ended; the system released their locks."""
    for lock_file in parent.glob("*.owner"):
        owner = lock_file.open("w")
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner.close()
        else:
            _remove(lock_file.with_suffix(""), owner)


def _remove(folder: Path, owner: IO[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _lock_file(folder).unlink(missing_ok=True)
    owner.close()


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.owner")
