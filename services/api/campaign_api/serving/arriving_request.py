"""A request on its way: enough of its form to tell when a thread can begin with it."""

import re

END_OF_HEADER = b"\r\n\r\n"

LARGEST_HEADER = 65_536
"""Bytes of request line and header lines."""

LONGEST_CHUNK_LINE = 4_096
"""Bytes of a chunk's size and extensions; what is longer is left to the parser to refuse."""

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
_UPLOAD = re.compile(rb"POST (?:[a-z]+://[^/ ]*)?/v1/recipient-lists[? ]")


class ArrivingRequest:
    """The bytes of a request that have come, and until when the rest is waited for.

    It only decides when to begin: what the bytes mean is decided by whoever parses them. An
    upload begins with its header; of any other request a body of ordinary size is waited for,
    and the client that waits for a word before it sends one is to be invited.
    """

    def __init__(self, largest_body: int, deadline: float) -> None:
        """Wait until `deadline` (monotonic), for bodies of up to `largest_body` bytes too."""
        self.received = bytearray()
        self.deadline = deadline
        self.is_upload = False
        """Its body is read as it arrives, by the thread that works on it."""
        self.expects_invitation = False
        """The client waits for a `100 Continue` before it sends its body."""
        self._largest_body = largest_body
        self._header_end: int | None = None
        self._needed = 0
        self._next_chunk: int | None = None

    def add(self, received: bytes) -> None:
        """Take what has come."""
        searched = max(0, len(self.received) - len(END_OF_HEADER) + 1)
        self.received += received
        if self._header_end is None:
            end = self.received.find(END_OF_HEADER, searched)
            if end >= 0:
                self._read_header(end + len(END_OF_HEADER))

    @property
    def target(self) -> bytes:
        """The target of the request line, as far as there is one."""
        words = bytes(self.received[:LARGEST_HEADER].split(b"\r\n", 1)[0]).split(b" ")
        return words[1] if len(words) > 1 else b""

    def has_header(self) -> bool:
        """Tell whether the header has come to its end."""
        return self._header_end is not None

    def is_complete(self) -> bool:
        """Tell whether everything has come that is to be waited for."""
        if self._header_end is None:
            return False
        if self._next_chunk is not None:
            return self._has_all_chunks()
        return len(self.received) >= self._needed

    def is_too_large(self) -> bool:
        """Tell whether the header is larger than any may be."""
        return self._header_end is None and len(self.received) > LARGEST_HEADER

    def _read_header(self, end: int) -> None:
        head = bytes(self.received[: end - 2])
        self._header_end = self._needed = end
        self.is_upload = _UPLOAD.match(head) is not None
        length = _CONTENT_LENGTH.search(head)
        if self.is_upload:
            return
        if _TRANSFER_ENCODING.search(head):
            self._next_chunk = end
        elif length is not None and int(length[1]) <= self._largest_body:
            self._needed = end + int(length[1])
        if self._next_chunk is not None or self._needed > end:
            self._take_expectation(head)

    def _take_expectation(self, head: bytes) -> None:
        """Take `Expect` out of the header: it is met before anybody parses that."""
        expect = _EXPECT.search(head)
        if expect is None or b" HTTP/1.1\r\n" not in head:
            return
        del self.received[expect.start() : expect.end()]
        shorter = expect.end() - expect.start()
        self._header_end = (self._header_end or 0) - shorter
        self._needed -= shorter
        if self._next_chunk is not None:
            self._next_chunk -= shorter
        self.expects_invitation = len(self.received) == self._header_end

    def _has_all_chunks(self) -> bool:
        """Follow the chunks that have come; true too for what no parser will take."""
        while self._next_chunk is not None and self._next_chunk < len(self.received):
            line_end = self.received.find(b"\r\n", self._next_chunk)
            if line_end < 0:
                return len(self.received) - self._next_chunk > LONGEST_CHUNK_LINE
            digits = bytes(self.received[self._next_chunk : line_end]).split(b";")[0]
            try:
                size = int(digits, 16)
            except ValueError:
                return True
            if size <= 0:
                # The last chunk: trailers, if any, end with an empty line.
                return size < 0 or self.received.find(END_OF_HEADER, line_end) >= 0
            self._next_chunk = line_end + 2 + size + 2
        return len(self.received) - (self._header_end or 0) > self._largest_body
