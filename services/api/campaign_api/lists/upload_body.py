"""The body of an upload as it arrives: bounded in size, and in the time it may stand still."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Request
from gunicorn.http.errors import ParseException

from campaign_api.lists.importer.line_reader import BLOCK_BYTES, Readable
from campaign_api.refusals import UploadBroken, UploadStalled, UploadTooLarge

DISCARDED_BYTES = 64 * 2**20
DISCARDED_SECONDS = 5.0
"""What is read, at most, of an upload that was refused in its middle."""


class UploadBody:
    """Reads a body from the socket, a block at a time."""

    def __init__(self, stream: Readable, announced: int | None, most: int) -> None:
        """Read `stream`, of which `announced` bytes must and `most` bytes may come.

        Raises:
            UploadTooLarge: more is announced than may come.
        """
        self._stream = stream
        self._announced = announced
        self._most = most
        self._received = 0
        self._usable = True
        if announced is not None and announced > most:
            raise self._too_large()

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes, fewer at the end, and then none.

        Raises:
            UploadStalled: nothing came for as long as may be.
            UploadBroken: the client is gone, or what it sends is not HTTP.
            UploadTooLarge: more came than may.
        """
        try:
            block = self._stream.read(size) or b""
        except TimeoutError as error:
            self._usable = False
            raise UploadStalled("nothing more of the upload arrived; it was given up") from error
        except (OSError, ParseException) as error:
            self._usable = False
            raise UploadBroken("the upload ended in its middle; nothing of it is kept") from error
        self._received += len(block)
        if self._received > self._most:
            raise self._too_large()
        if not block and self._announced is not None and self._received < self._announced:
            self._usable = False
            raise UploadBroken(
                f"the upload ended after {self._received} of {self._announced} bytes;"
                " nothing of it is kept"
            )
        return block

    def discard_rest(self) -> None:
        """Read what still comes, within bounds: who is still sending sees no answer."""
        enough = min(self._most, self._received + DISCARDED_BYTES)
        deadline = time.monotonic() + DISCARDED_SECONDS
        while self._usable and self._received < enough and time.monotonic() < deadline:
            try:
                if not self.read(BLOCK_BYTES):
                    return
            except (UploadBroken, UploadStalled, UploadTooLarge):
                return

    def _too_large(self) -> UploadTooLarge:
        self._usable = False
        return UploadTooLarge(f"the upload has more than {self._most} bytes")


@contextmanager
def waiting_at_most(request: Request, seconds: float) -> Iterator[None]:
    """Let a single read of the request's body wait no longer than `seconds`.

    A slow client that moves is waited for; one that stands still is not.
    """
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        yield
        return
    before = connection.gettimeout()
    connection.settimeout(seconds)
    try:
        yield
    finally:
        connection.settimeout(before)
