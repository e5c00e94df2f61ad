"""Secrets of a provider, read from their files, and again when a file changes."""

import re
from collections.abc import Mapping
from pathlib import Path

from campaign_common.settings import SecretSettings

LONGEST_SECRET = 8_192

REFRESH_INTERVAL = 1.0
"""Seconds between two looks at the files of secrets."""

_ONE_LINE = re.compile(rf"[\x20-\x7e]{{1,{LONGEST_SECRET}}}")

FileState = tuple[int, int, int, int]
"""Times of modification and of change in ns, size and inode of a file.

A mounted secret is replaced by a link, and rights that change leave the contents as they are.
"""


class SecretUnreadable(Exception):
    """A secret can not be read; the text names it and its file, and says why."""


class SecretFiles:
    """The secrets of one provider."""

    def __init__(self, secrets: Mapping[str, SecretSettings]) -> None:
        self._given = {name: each.value for name, each in secrets.items() if each.value is not None}
        self._files = {name: each.file for name, each in secrets.items() if each.file is not None}
        self._stamps: dict[str, FileState | None] = {}
        self._is_read = False

    def read(self) -> dict[str, str]:
        """Read all secrets.

        Raises:
            SecretUnreadable: a file is missing, empty, too long, or not one line of ASCII.
        """
        # Before the contents: a file that is written meanwhile is read once more.
        self._is_read, self._stamps = False, self._current()
        secrets = {name: _secret(name, path) for name, path in self._files.items()}
        self._is_read = True
        return {**self._given, **secrets}

    def have_changed(self) -> bool:
        """Return whether a file is another one than at the last read, or that read failed."""
        return bool(self._files) and (not self._is_read or self._current() != self._stamps)

    def _current(self) -> dict[str, FileState | None]:
        return {name: _stamp(path) for name, path in self._files.items()}


def _stamp(path: Path) -> FileState | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _secret(name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_SECRET + 3)
    except OSError as error:
        raise SecretUnreadable(f"secret {name}, {path}: {error.strerror}") from error
    text = content.decode("latin-1").rstrip("\r\n")
    if not _ONE_LINE.fullmatch(text):
        raise SecretUnreadable(f"secret {name}, {path}: expected one line of printable ASCII")
    return text
