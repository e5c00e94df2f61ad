"""One kept-alive connection; it carries one call at a time."""

import asyncio
from typing import Protocol, cast

from campaign_sender.message import Message
from campaign_sender.providers.http.response_reader import AnswerReader, AnswerUnusable, HttpAnswer


class Owner(Protocol):
    """Hears what happens on a connection, always on the loop's thread."""

    def answered(self, message: Message, answer: HttpAnswer, began: float) -> None:
        """Take the answer of a call that began at the loop time `began`."""

    def unanswered(self, message: Message, code: str) -> None:
        """Take note that a call was written, at least in part, and nobody will answer it."""

    def free(self, connection: "Connection") -> None:
        """Give the connection its next call, or keep it."""

    def lost(self, connection: "Connection") -> None:
        """Forget the connection."""


class Connection(asyncio.Protocol):
    """Writes a request, reads its answer, and never does either twice."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._reader = AnswerReader()
        self._transport: asyncio.Transport
        self._left = False
        self._message: Message | None = None
        self.since = 0.0
        """Loop time in seconds at which the present call, or the present idleness, began."""

    @property
    def calling(self) -> bool:
        """Tell whether an answer is waited for."""
        return self._message is not None

    @property
    def usable(self) -> bool:
        """Tell whether a request could be written now."""
        return not self._left and not self._transport.is_closing()

    def call(self, message: Message, request: bytes, now: float) -> None:
        """Write the request of a message; the event loop sends it before this returns."""
        self._message = message
        self.since = now
        self._reader.expect()
        self._transport.write(request)

    def give_up(self, code: str) -> None:
        """Leave the present call, if there is one, without its answer."""
        self._leave()
        self._end_call(code)

    # --- called by the event loop ---------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read on; what arrives unasked says nothing about a message and ends the connection."""
        message = self._message
        if message is None:
            self._leave()
            return
        try:
            answer = self._reader.feed(data)
        except AnswerUnusable as error:
            self.give_up(error.code)
            return
        if answer is None:
            return
        self._message = None
        if not answer.reusable:
            self._leave()
        self._owner.answered(message, answer, self.since)
        if answer.reusable:
            self._owner.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Take the end of the connection for the end of an answer only where it is one."""
        answer = self._reader.end() if self.calling and error is None else None
        if answer is not None and self._message is not None:
            message, self._message = self._message, None
            self._owner.answered(message, answer, self.since)
        self._end_call("connection_lost")
        self._leave()

    # ----------------------------------------------------------------------------------------

    def _end_call(self, code: str) -> None:
        message, self._message = self._message, None
        if message is not None:
            self._owner.unanswered(message, code)

    def _leave(self) -> None:
        if not self._left:
            self._left = True
            self._transport.abort()
            self._owner.lost(self)
