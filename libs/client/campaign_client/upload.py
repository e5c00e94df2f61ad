"""A file that is sent while it is read, and says how far it has come."""

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

BLOCK = 64 * 1024
"""Bytes read at a time."""

Sent = Callable[[int, int], None]
"""Takes the bytes sent and the bytes in all."""


class ListUpload:
    """The body of an upload, from the start of a seekable file."""

    def __init__(self, file: BinaryIO, sent: Sent | None = None) -> None:
        self._file = file
        self._sent = sent
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK):
            yield block

    def seek(self, offset: int) -> None:
        """Go back, to send it again."""
        self._file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes, and tell how far they reach."""
        block = self._file.read(size)
        if self._sent is not None:
            self._sent(self._file.tell(), self._size)
        return block
