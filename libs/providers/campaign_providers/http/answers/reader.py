"""HTTP/1.1 responses (RFC 9112) of one connection, parsed by httptools.

Only a complete response to a pending request counts. Anything ambiguous is rejected: a message must
never be given a response that was meant for another one.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_RESPONSE_BYTES = 65_536
"""Bytes read of one response, interim responses and head included."""

_SIZE_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


class HttpResponse(NamedTuple):
    """Final response; `reusable`: its connection can carry another request."""

    status: int
    headers: Mapping[str, str]
    """Those that the reader keeps, by names in lower case."""
    body: bytes
    reusable: bool
    is_whole: bool = True
    """False: it was longer than what is read, and `body` is empty."""


class ResponseUnusable(Exception):
    """The data is not a valid response; the connection must be closed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ResponseReader:
    """Incremental reader of the responses on one connection."""

    def __init__(self, kept: Collection[str] = ("retry-after",)) -> None:
        """Keep the headers with the names `kept`, in lower case."""
        self._kept = frozenset(name.encode("ascii") for name in kept)
        self._parser = HttpResponseParser(self)
        self.expect()

    def expect(self) -> None:
        """Reset, and expect the next response."""
        self._received = 0
        self._status = 0
        self._headers: dict[str, str] = {}
        self._sized = False
        self._body: list[bytes] = []
        self._complete = False
        self._reusable = False

    def feed(self, data: bytes) -> HttpResponse | None:
        """Parse received data; return the response when it is complete.

        Of a response longer than `MAX_RESPONSE_BYTES` the status is used, if it is known by then,
        and the rest is left unread.

        Raises:
            ResponseUnusable: it is not HTTP, or its head is too long.
        """
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._complete:
                raise ResponseUnusable("answer_malformed") from error
            self._reusable = False
        if self._complete:
            return self._response()
        if self._received <= MAX_RESPONSE_BYTES:
            return None
        if not self._status:
            raise ResponseUnusable("answer_too_long")
        return HttpResponse(self._status, self._headers, b"", reusable=False, is_whole=False)

    def end(self) -> HttpResponse | None:
        """Handle the peer's close; return the response if it is delimited by the close.

        That is so without a length and without chunks (RFC 9112, section 6.3).
        """
        if self._status and not self._sized:
            self._reusable = False
            return self._response()
        return None

    def _response(self) -> HttpResponse:
        return HttpResponse(self._status, self._headers, b"".join(self._body), self._reusable)

    # --- called by the parser -------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Reject a response that begins after a complete one: it was not requested."""
        if self._complete:
            raise ResponseUnusable("answer_unasked")  # ends the parsing; `feed` has its response

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few headers that matter."""
        lowered = name.lower()
        if lowered in _SIZE_HEADERS:
            self._sized = True
        elif lowered in self._kept:
            self._headers[lowered.decode("ascii")] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Read the status: the head is complete."""
        self._status = self._parser.get_status_code()

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body; `feed` bounds the sum."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Complete the response; an interim one (RFC 9110, section 15.2) is skipped."""
        if self._status < 200 and self._status != 101:
            self._status, self._headers, self._sized = 0, {}, False
            self._body.clear()
            return
        self._complete = True
        self._reusable = self._parser.should_keep_alive()
