"""A request on its way: enough of its form to tell when a thread can begin with it."""

import re

END_OF_HEADER = b"\r\n\r\n"

LARGEST_HEADER = 65_536
"""Bytes of request line and header lines."""

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:", re.IGNORECASE)


class ArrivingRequest:
    """The bytes of a request that have come, and until when the rest is waited for.

    It only decides when to begin: what the bytes mean is decided by whoever parses them.
    """

    def __init__(self, largest_body: int, deadline: float) -> None:
        """Wait until `deadline` (monotonic), for bodies of up to `largest_body` bytes too."""
        self.received = bytearray()
        self.deadline = deadline
        self._largest_body = largest_body
        self._needed: int | None = None

    def add(self, received: bytes) -> None:
        """Take what has come."""
        searched = max(0, len(self.received) - len(END_OF_HEADER) + 1)
        self.received += received
        if self._needed is None:
            end = self.received.find(END_OF_HEADER, searched)
            if end >= 0:
                self._needed = self._bytes_needed(end + len(END_OF_HEADER))

    def has_header(self) -> bool:
        """Tell whether the header has come to its end."""
        return self._needed is not None

    def is_complete(self) -> bool:
        """Tell whether everything has come that is to be waited for."""
        return self._needed is not None and len(self.received) >= self._needed

    def is_too_large(self) -> bool:
        """Tell whether the header is larger than any may be."""
        return self._needed is None and len(self.received) > LARGEST_HEADER

    def _bytes_needed(self, header: int) -> int:
        head = bytes(self.received[: header - 2])
        length = _CONTENT_LENGTH.search(head)
        # A client that expects a word of the server first sends no body before it.
        if length is None or _EXPECT.search(head):
            return header
        body = int(length[1])
        return header + body if body <= self._largest_body else header
