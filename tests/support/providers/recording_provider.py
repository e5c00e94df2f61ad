"""A provider that writes down every call it gets, durably, before it answers.

    python -m tests.support.providers.recording_provider --port 0 --log FILE [--drop 0.05] …

It prints one JSON line, {"port": …}, and serves until it is killed. The log has one JSON object per
call (`Call`). Faults are shares of calls; which call meets one is a function of the seed, the
idempotency key and how often the key was seen before, so that a repeated call can succeed.
`PUT /faults` replaces them all, with the JSON of `Faults`; `GET /status` returns the numbers of
calls that were taken and that wait for their answer.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import cast
from zlib import crc32

import click
import msgspec
import uvloop
from httptools import HttpParserError, HttpRequestParser

ANSWER = b"HTTP/1.1 %d Said\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b"

DROP = "drop"
HALF = "half"
HANG = "hang"


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of calls, 0 to 1, that go wrong, and for all of them the latency in seconds."""

    seed: int = 0
    latency: float = 0.0
    drop: float = 0.0
    """Taken, and the connection closed without an answer; on reused connections only."""
    half: float = 0.0
    """Taken, and the connection closed in the middle of the answer."""
    hang: float = 0.0
    """Taken, and never answered."""
    errors: dict[int, float] = {}
    """Answered with this status code, and not taken as far as the client may know."""
    repeated: int | None = None
    """Status code of every send under a key that was seen before, and instead of what is above."""
    authorization: str | None = None
    """Authorization header that is asked for; other calls are answered 401."""
    retry_after: int | None = None
    """Seconds, in the answers of `errors` and `repeated`."""

    def draw(self, key: str, earlier: int) -> str:
        """Draw the fate of this call: a fault, or the status code of its answer."""
        if earlier and self.repeated is not None:
            return str(self.repeated)
        point = crc32(f"{self.seed}:{key}:{earlier}".encode()) / 2**32
        shares = {DROP: self.drop, HALF: self.half, HANG: self.hang}
        for fate, share in (shares | {str(k): v for k, v in self.errors.items()}).items():
            if point < share:
                return fate
            point -= share
        return "202"


class Sent(msgspec.Struct):
    """The body of a call."""

    message_id: str
    campaign_id: int
    seq: int
    phone: str
    body: str


class Call(msgspec.Struct):
    """One call as it is written down."""

    at: float
    """Unix time in seconds at which the last byte of the call arrived."""
    boot: float
    """The same moment in seconds since boot, suspension included."""
    connection: int
    nth: int
    """1 is the first call on its connection."""
    key: str
    """The Idempotency-Key header."""
    sent: Sent
    fate: str
    """The status code that was answered; or drop, half or hang."""
    started: int | None = None
    """The Started-At header: Unix time in milliseconds by the client's clock."""


class Recording:
    """The log file: `write` returns at once, and goes on when the call is on disk.

    All calls that arrived together share one write and one fdatasync.
    """

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._loop = loop
        self._encode = msgspec.json.Encoder().encode
        self._lines: list[bytes] = []
        self._then: list[Callable[[], None]] = []

    def write(self, call: Call, then: Callable[[], None]) -> None:
        self._lines.append(self._encode(call) + b"\n")
        self._then.append(then)
        if len(self._lines) == 1:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        text, then = b"".join(self._lines), self._then
        self._lines, self._then = [], []
        if os.write(self._file, text) != len(text):
            raise OSError("the log took only a part of a write")
        os.fdatasync(self._file)
        for go_on in then:
            go_on()


class Service:
    """The state that all connections share."""

    def __init__(self, recording: Recording, faults: Faults) -> None:
        self.recording = recording
        self.faults = faults
        self.connections = 0
        self.calls = 0
        self.in_flight = 0
        self.seen: Counter[str] = Counter()
        self.decode = msgspec.json.Decoder(Sent).decode


class Connection(asyncio.Protocol):
    """A connection, served a request at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parser = HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._nth = 0
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._service.connections += 1
        self._number = self._service.connections

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self._answer(400)
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path = b""
        self._key = ""
        self._started: int | None = None
        self._authorization = ""
        self._body = b""

    def on_url(self, part: bytes) -> None:
        self._path += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"idempotency-key":
            self._key = value.decode("latin-1")
        elif name.lower() == b"started-at":
            self._started = int(value)
        elif name.lower() == b"authorization":
            self._authorization = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        service = self._service
        match self._parser.get_method(), self._path:
            case b"POST", _:
                self._take_call()
            case b"PUT", b"/faults":
                service.faults = msgspec.json.decode(self._body, type=Faults)
                self._answer(200)
            case b"GET", b"/status":
                status = {"calls": service.calls, "in_flight": service.in_flight}
                self._answer(200, msgspec.json.encode(status))
            case _:
                self._answer(404)

    def _take_call(self) -> None:
        service = self._service
        self._nth += 1
        service.calls += 1
        service.in_flight += 1
        fate = service.faults.draw(self._key, service.seen[self._key])
        if fate == DROP and self._nth == 1:
            fate = "202"
        if service.faults.authorization not in (None, self._authorization):
            fate = "401"
        service.seen[self._key] += 1
        boot = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
        sent = service.decode(self._body)
        number, nth, started = self._number, self._nth, self._started
        call = Call(time.time(), boot, number, nth, self._key, sent, fate, started)
        service.recording.write(call, lambda: self._meet(fate, service.faults))

    def _meet(self, fate: str, faults: Faults) -> None:
        if faults.latency:
            loop = asyncio.get_running_loop()
            loop.call_later(faults.latency, self._end_call, fate, faults)
        else:
            self._end_call(fate, faults)

    def _end_call(self, fate: str, faults: Faults) -> None:
        if fate == HANG:
            return  # and stays in flight
        self._service.in_flight -= 1
        if self._transport.is_closing():
            return  # nobody waits for the answer any more
        if fate == DROP:
            self._transport.close()
        elif fate == HALF:
            self._transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Le")
            self._transport.close()
        elif fate == "202":
            self._answer(202, b'{"id":"rec-%b"}' % self._key.encode("latin-1"))
        else:
            retry = b"" if faults.retry_after is None else b"Retry-After: %d\r\n"
            self._answer(int(fate), head=retry % faults.retry_after if retry else b"")

    def _answer(self, status: int, body: bytes = b"", *, head: bytes = b"") -> None:
        self._transport.write(ANSWER % (status, head, len(body), body))


async def serve(port: int, log: Path, faults: Faults) -> None:
    loop = asyncio.get_running_loop()
    service = Service(Recording(log, loop), faults)
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", port, backlog=4096)
    click.echo(msgspec.json.encode({"port": server.sockets[0].getsockname()[1]}))
    await server.serve_forever()


@click.command()
@click.option("--port", default=0, help="0 takes any free one.")
@click.option("--log", required=True, type=click.Path(path_type=Path))
@click.option("--seed", default=0)
@click.option("--latency", default=0.0, help="Seconds.")
@click.option("--drop", default=0.0)
@click.option("--half", default=0.0)
@click.option("--hang", default=0.0)
@click.option("--error", "errors", multiple=True, type=(int, float), help="Status and share.")
@click.option("--retry-after", type=int)
def main(port: int, log: Path, errors: tuple[tuple[int, float], ...], **shares: float) -> None:
    """Record every call in a log before answering it."""
    faults = msgspec.convert({**shares, "errors": dict(errors)}, Faults)
    uvloop.run(serve(port, log, faults))


if __name__ == "__main__":
    main()
