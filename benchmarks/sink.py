"""An HTTP provider that accepts every message at the least possible cost.

    python -m benchmarks.sink --latency 0.05

It prints one JSON line, {"port": …}, and serves until it is killed. `GET /status` returns the
number of calls and the time of the last one, in seconds since boot, suspension included.
"""

import asyncio
import json
import time
from collections import deque
from typing import cast

import click
import uvloop
from httptools import HttpParserError, HttpRequestParser

BODY = b'{"id":"taken"}'
TAKEN = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n" + BODY
)
STATUS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"

TICK = 0.002
"""Seconds between two checks for due answers; one timer serves all calls."""

BACKLOG = 4096


class Sink:
    """The state that all connections share."""

    def __init__(self, loop: asyncio.AbstractEventLoop, latency: float) -> None:
        self._loop = loop
        self._latency = latency
        self._due: deque[tuple[float, asyncio.Transport]] = deque()
        self._calls = 0
        self._last = 0.0

    def take(self, transport: asyncio.Transport) -> None:
        """Answer a call, at once or when its time has come."""
        self._calls += 1
        self._last = boot_time()
        if not self._latency:
            transport.write(TAKEN)
            return
        self._due.append((self._loop.time() + self._latency, transport))
        if len(self._due) == 1:
            self._loop.call_later(self._latency, self._answer_due)

    def status(self) -> bytes:
        """Answer with the number of calls and the time of the last one."""
        return json.dumps({"calls": self._calls, "last": self._last}).encode()

    def _answer_due(self) -> None:
        now = self._loop.time()
        while self._due and self._due[0][0] <= now:
            _, transport = self._due.popleft()
            if not transport.is_closing():
                transport.write(TAKEN)
        if self._due:
            self._loop.call_later(max(TICK, self._due[0][0] - now), self._answer_due)


class Connection(asyncio.Protocol):
    """A connection, served a request at a time."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._transport: asyncio.Transport
        # It calls what is there by name: of a request nothing but its end matters.
        self._parser = HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self._transport.close()

    def on_message_complete(self) -> None:
        """Take a call, or answer with the status."""
        if self._parser.get_method() == b"POST":
            self._sink.take(self._transport)
        else:
            body = self._sink.status()
            self._transport.write(STATUS % (len(body), body))


def boot_time() -> float:
    """Return seconds since boot, suspension included, where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


async def serve(port: int, latency: float) -> None:
    """Serve until the process ends."""
    loop = asyncio.get_running_loop()
    sink = Sink(loop, latency)
    server = await loop.create_server(lambda: Connection(sink), "127.0.0.1", port, backlog=BACKLOG)
    click.echo(json.dumps({"port": server.sockets[0].getsockname()[1]}))
    await server.serve_forever()


@click.command()
@click.option("--port", default=0, help="0 takes any free one.")
@click.option("--latency", default=0.0, help="Seconds.")
def main(port: int, latency: float) -> None:
    """Accept every message."""
    uvloop.run(serve(port, latency))


if __name__ == "__main__":
    main()
