"""Reading answers off one connection: HTTP/1.1 (RFC 9112), by the parser of httptools.

Only a complete answer counts, and only one that was waited for. What is unclear is refused
instead of guessed: a message must never take an answer that was meant for another one.
"""

from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

LONGEST_ANSWER = 65_536
"""Bytes read of one answer, interim answers and head included."""

_SIZE_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


class HttpAnswer(NamedTuple):
    """One final answer; `reusable` tells whether its connection can carry another call."""

    status: int
    retry_after: str | None
    body: bytes
    reusable: bool


class AnswerUnusable(Exception):
    """What came back is not an answer; the connection is of no further use."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class AnswerReader:
    """Reads the answers that arrive on one connection, one after the other."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.expect()

    def expect(self) -> None:
        """Forget the last answer, and wait for the next one."""
        self._received = 0
        self._status = 0
        self._retry_after: str | None = None
        self._sized = False
        self._body: list[bytes] = []
        self._complete = False
        self._reusable = False

    def feed(self, data: bytes) -> HttpAnswer | None:
        """Take what arrived; return the answer when it is complete.

        Of an answer that is longer than `LONGEST_ANSWER` the status is taken, if it is known
        by then, and the rest is left unread.

        Raises:
            AnswerUnusable: it is not HTTP, or its head is too long.
        """
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._complete:
                raise AnswerUnusable("answer_malformed") from error
            self._reusable = False
        if self._complete:
            return self._answer()
        if self._received <= LONGEST_ANSWER:
            return None
        if not self._status:
            raise AnswerUnusable("answer_too_long")
        return HttpAnswer(self._status, self._retry_after, b"", reusable=False)

    def end(self) -> HttpAnswer | None:
        """Note that the other side has closed; return the answer if that was its proper end.

        That is so when neither a length nor chunks told where it ends (RFC 9112, section 6.3).
        """
        if self._status and not self._sized:
            self._reusable = False
            return self._answer()
        return None

    def _answer(self) -> HttpAnswer:
        return HttpAnswer(self._status, self._retry_after, b"".join(self._body), self._reusable)

    # --- called by the parser -------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Something begins; after a complete answer it is one that nobody asked for."""
        if self._complete:
            raise AnswerUnusable("answer_unasked")  # ends the parsing; `feed` has its answer

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few headers that matter."""
        lowered = name.lower()
        if lowered in _SIZE_HEADERS:
            self._sized = True
        elif lowered == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole: from here on the status is known."""
        self._status = self._parser.get_status_code()

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body; their sum is bounded by what `feed` lets in."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """An answer is whole; an interim one (RFC 9110, section 15.2) precedes the one meant."""
        if self._status < 200 and self._status != 101:
            self._status, self._retry_after, self._sized = 0, None, False
            self._body.clear()
            return
        self._complete = True
        self._reusable = self._parser.should_keep_alive()
