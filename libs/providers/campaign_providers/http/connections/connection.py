"""Kept-alive connection that carries one request at a time."""

import asyncio
from collections.abc import Collection
from typing import Generic, Protocol, cast

from campaign_providers.contract import MessageT
from campaign_providers.http.answers.reader import (
    HttpResponse,
    ResponseReader,
    ResponseUnusable,
)


class ConnectionOwner(Protocol[MessageT]):
    """Receiver of a connection's events, always on the event loop's thread."""

    def on_response(self, message: MessageT, response: HttpResponse, began: float) -> None:
        """Handle the response to a request that began at the loop time `began`."""

    def on_no_response(self, message: MessageT, code: str) -> None:
        """Handle a request that was written, at least in part, and gets no response."""

    def on_idle(self, connection: "ProviderConnection[MessageT]") -> None:
        """Give the connection its next request, or keep it."""

    def on_lost(self, connection: "ProviderConnection[MessageT]") -> None:
        """Forget the connection."""


class ProviderConnection(asyncio.Protocol, Generic[MessageT]):
    """Protocol that writes a request and reads its response, neither of them twice."""

    def __init__(self, owner: ConnectionOwner[MessageT], kept: Collection[str]) -> None:
        """Keep the headers of responses that have these names, in lower case."""
        self._owner = owner
        self._reader = ResponseReader(kept)
        self._transport: asyncio.Transport
        self._closed = False
        self._message: MessageT | None = None
        self.since = 0.0
        """Loop time in seconds at which the current request, or idle time, began."""

    @property
    def busy(self) -> bool:
        """Return whether a response is pending."""
        return self._message is not None

    @property
    def usable(self) -> bool:
        """Return whether a request can be written now."""
        return not self._closed and not self._transport.is_closing()

    def send(self, message: MessageT, request: bytes, now: float) -> None:
        """Write the request of a message; the event loop sends it before this returns."""
        self._message = message
        self.since = now
        self._reader.expect()
        self._transport.write(request)

    def abort(self, code: str) -> None:
        """Close the connection; a pending request gets no response."""
        self._close()
        self._end_request(code)

    # --- called by the event loop ---------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse a response; unsolicited data closes the connection."""
        message = self._message
        if message is None:
            self._close()
            return
        try:
            response = self._reader.feed(data)
        except ResponseUnusable as error:
            self.abort(error.code)
            return
        if response is None:
            return
        self._message = None
        if not response.reusable:
            self._close()
        self._owner.on_response(message, response, self.since)
        if response.reusable:
            self._owner.on_idle(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Accept the end of the connection as the end of a response only where HTTP does."""
        response = self._reader.end() if self.busy and error is None else None
        if response is not None and self._message is not None:
            message, self._message = self._message, None
            self._owner.on_response(message, response, self.since)
        self._end_request("connection_lost")
        self._close()

    # ----------------------------------------------------------------------------------------

    def _end_request(self, code: str) -> None:
        message, self._message = self._message, None
        if message is not None:
            self._owner.on_no_response(message, code)

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._transport.abort()
            self._owner.on_lost(self)
