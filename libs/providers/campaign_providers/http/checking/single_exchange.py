"""Single exchange: one request over a connection of its own, and its response."""

import asyncio
from collections.abc import Collection
from typing import Generic, NamedTuple

from campaign_providers.contract import MessageT
from campaign_providers.http.answers.reader import HttpResponse
from campaign_providers.http.connections.connection import ProviderConnection
from campaign_providers.http.connections.dialer import Dialer, NotConnected


class TimedResponse(NamedTuple):
    """Response with the seconds from the request to it; without one, `failure` says why."""

    response: HttpResponse | None
    seconds: float
    failure: str = ""


class SingleExchange(Generic[MessageT]):
    """Owner of the one connection; writes the request once, and never again."""

    def __init__(self, dialer: Dialer, kept: Collection[str], timeout: float) -> None:
        """Keep the headers of the response with these names; `timeout` is in seconds."""
        self._dialer = dialer
        self._kept = kept
        self._timeout = timeout
        self._ended: asyncio.Future[TimedResponse]

    def run(self, message: MessageT, request: bytes) -> TimedResponse:
        """Send the request, and return its response or the reason why there is none."""
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(self._run(message, request))
        finally:
            # Without waiting for a name server that a cancelled resolution still asks.
            loop.close()

    async def _run(self, message: MessageT, request: bytes) -> TimedResponse:
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        try:
            connection = await self._dialer.dial(lambda: ProviderConnection(self, self._kept))
        except NotConnected as error:
            return TimedResponse(None, 0.0, error.code)
        try:
            connection.send(message, request, loop.time())
            await asyncio.wait([self._ended], timeout=self._timeout)
            if not self._ended.done():
                connection.abort("timeout")
            return await self._ended
        finally:
            connection.abort("done")

    # --- called by the connection -----------------------------------------------------------

    def on_response(self, _: MessageT, response: HttpResponse, began: float) -> None:
        """Keep the response."""
        seconds = asyncio.get_running_loop().time() - began
        self._end(TimedResponse(response, seconds))

    def on_no_response(self, _: MessageT, code: str) -> None:
        """Keep the reason why there is no response."""
        self._end(TimedResponse(None, 0.0, code))

    def on_idle(self, _: ProviderConnection[MessageT]) -> None:
        """Send nothing more."""

    def on_lost(self, _: ProviderConnection[MessageT]) -> None:
        """Make no other connection."""

    def _end(self, ended: TimedResponse) -> None:
        if not self._ended.done():
            self._ended.set_result(ended)
