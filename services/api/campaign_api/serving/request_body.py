"""The body of a request, as it comes from its client."""

import io
from typing import Any, NoReturn

from gevent import sleep
from gunicorn.http.message import Request

from campaign_api.serving.connection import LARGEST_HEADER, Connection

BLOCK = 65_536
"""Bytes of a body that are read at a time."""

CHUNKED_BLOCK = 1_024
"""The same of a body in chunks, each of which may have one byte and takes time to be parsed."""

FRAMING_ROOM = 8_192
"""Bytes of framing that a body may have beyond `FRAMING`: extensions of chunks, and trailers."""

FRAMING = 2
"""Bytes that may come for each byte of content, beyond that room.

Chunks of one byte have six: each of them takes as long to be parsed as a large one.
"""


class RequestBody:
    """Body that is read from its connection, up to its end."""

    def __init__(
        self, connection: Connection, request: Request, environ: dict[str, Any], invitation: bytes
    ) -> None:
        """Take the place of `wsgi.input`; `invitation` is sent before the body is read."""
        self.connection = connection
        self._request = request
        self.is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        self.length = int(environ.get("CONTENT_LENGTH") or 0)
        """Bytes announced where the body is not chunked."""
        self.is_complete = not self.is_chunked and not self.length
        self._invitation = invitation
        self._received = 0
        self._taken = 0
        environ["wsgi.input"] = self

    @property
    def is_at_hand(self) -> bool:
        """Return whether all of the content came together with the header."""
        return (
            not self.is_chunked
            and not self._invitation
            and self._request.unreader.buf.tell() >= self.length
        )

    def invite(self) -> None:
        """Ask for the body, where the client waits for that (RFC 9110, section 10.1.1)."""
        if self._invitation:
            self.connection.sendall(self._invitation)
            self._invitation = b""

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` bytes, fewer at the end, and then none.

        Raises:
            OSError: the client is gone, or too slow.
            ParseException: what it sends is no body.
        """
        self.invite()
        if size < 0:
            size = self.length or LARGEST_HEADER
        most = FRAMING_ROOM + FRAMING * (self._received + size) - self._taken
        self.connection.allow(most)
        block: bytes = self._request.body.read(size)
        self._taken += most - self.connection.room
        self._received += len(block)
        self.is_complete = not block if self.is_chunked else self._received >= self.length
        return block

    def collect(self, most: int) -> bytearray:
        """Return the whole body; of one with more than `most` bytes, as much as shows it.

        What has arrived is freed where it fails. A body that broke off is not `is_complete`.

        Raises:
            OSError, ParseException: as for `read`.
            NoRoom: there is no memory for it.
        """
        content = bytearray()
        try:
            self._receive(content, most)
        except BaseException:
            # It may wait long for its end, beside many others.
            content.clear()
            self.discard()
            raise
        return content

    def _receive(self, content: bytearray, most: int) -> None:
        size = CHUNKED_BLOCK if self.is_chunked else BLOCK
        while not self.is_complete and len(content) <= most:
            block = self.read(size)
            content += block
            if not block:
                break
            if not self.is_complete:
                # A client whose bytes are always there must not keep all others waiting.
                sleep(0)

    def discard(self) -> None:
        """Free what has arrived of a body that is not going to be complete.

        The connection cannot go on after the answer: where the next request begins is unknown.
        """
        self._request.body = None
        self._request.unreader.buf = io.BytesIO()
        self.connection.release()


class BrokenBody:
    """Stand-in for a body that did not arrive."""

    def __init__(self, error: Exception) -> None:
        # Its frames would keep what has arrived, in a cycle.
        self._error = error.with_traceback(None)

    def read(self, size: int = -1, /) -> NoReturn:
        """Raise what kept the body from arriving."""
        del size
        raise self._error
