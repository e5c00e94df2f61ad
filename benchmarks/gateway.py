"""A gateway as a process, which reports about messages: python -m benchmarks.gateway, with JSON.

It reads an `Order` from its input, makes all requests, prints `ready`, waits for a line, sends, and
prints a `Report`. It is small, since it shares the processor with what is measured.
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
import zlib
from collections.abc import Iterator

import msgspec

from benchmarks.recipients import FIRST_PHONE
from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner

PROVIDER = "gateway"
SECRET = "a secret of the references"  # noqa: S105 - of a benchmark
SIGNING = "a secret of the gateway"

CHECK = 0.002
"""Seconds between two looks at which requests are due."""

END_OF_HEADER = b"\r\n\r\n"
OK = b"HTTP/1.1 200"

HEADER = (
    "{} /v1/callbacks/" + PROVIDER + "{} HTTP/1.1\r\nHost: camp.example.com\r\n"
    "User-Agent: gateway/1.0\r\nAccept: */*\r\n"
)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Requests to be sent."""

    port: int
    campaign: int
    shards: int
    first_seq: int
    """The message that is reported first; each further report is about the next one."""
    requests: int
    reports: int = 1
    """Reports in each request: one comes by GET in the form of Kannel, several as JSON."""
    connections: int = 64
    rate: float | None = None
    """Requests a second; None: as many as are answered."""


class Report(msgspec.Struct, frozen=True):
    """The answers; times are from when a request was due."""

    milliseconds: list[float]
    seconds: float
    processor: float
    """Processor seconds from the first request on."""
    refused: int
    """Answers that were not 200."""


class Connection(asyncio.Protocol):
    """A kept connection with one request at a time."""

    def __init__(self, sending: "Sending") -> None:
        self._sending = sending
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        """Send a request."""
        self._due = due
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer; all of them have empty bodies when they are 200."""
        self._received += data
        if END_OF_HEADER in self._received:
            is_ok = self._received.startswith(OK)
            self._received = b""
            self._sending.answered(self, time.perf_counter() - self._due, is_ok=is_ok)


class Sending:
    """The requests of an order on their way."""

    def __init__(self, order: Order, requests: list[bytes]) -> None:
        self._order = order
        self._requests = iter(requests)
        self._sent = 0
        self._idle: list[Connection] = []
        self._done = asyncio.Event()
        self.milliseconds: list[float] = []
        self.refused = 0

    async def run(self) -> float:
        """Send all; returns the seconds that it took."""
        loop = asyncio.get_running_loop()
        for _ in range(self._order.connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self), "127.0.0.1", self._order.port
            )
            self._idle.append(connection)
        began = time.perf_counter()
        if self._order.rate is None:
            for connection in self._idle[:]:
                self._send(connection, time.perf_counter())
        else:
            await self._keep_pace(began, self._order.rate)
        await self._done.wait()
        return time.perf_counter() - began

    async def _keep_pace(self, began: float, rate: float) -> None:
        while self._sent < self._order.requests:
            now = time.perf_counter()
            while self._idle and self._sent < self._order.requests:
                due = began + self._sent / rate
                if due > now:
                    break
                self._send(self._idle.pop(), due)
            await asyncio.sleep(CHECK)

    def _send(self, connection: Connection, due: float) -> None:
        if self._sent < self._order.requests:
            self._sent += 1
            connection.send(next(self._requests), due)

    def answered(self, connection: Connection, seconds: float, *, is_ok: bool) -> None:
        """Note an answer, and go on."""
        self.milliseconds.append(seconds * 1_000)
        self.refused += not is_ok
        if len(self.milliseconds) >= self._order.requests:
            self._done.set()
        elif self._order.rate is None:
            self._send(connection, time.perf_counter())
        else:
            self._idle.append(connection)


def requests_of(order: Order) -> Iterator[bytes]:
    """Make the requests of an order."""
    signer = ReferenceSigner(PROVIDER, [SECRET.encode()])
    last = order.first_seq + order.requests * order.reports
    for first in range(order.first_seq, last, order.reports):
        references = [
            signer.make(
                ReferencePurpose.RECEIPT,
                order.campaign,
                seq,
                shard=zlib.crc32(str(FIRST_PHONE + seq).encode()) % order.shards,
            )
            for seq in range(first, first + order.reports)
        ]
        yield _by_get(references[0], first) if order.reports == 1 else _as_json(references)


def _by_get(reference: str, seq: int) -> bytes:
    query = f"?m={reference}&status=1&id=e5a1-{seq}&answer=&at=1700000000"
    return (HEADER.format("GET", query) + "\r\n").encode()


def _as_json(references: list[str]) -> bytes:
    results = [
        {
            "bulkId": "2034072219640523072",
            "messageId": f"2250be2d4219-3af1-78856-aabe-{place}",
            "to": "41793026727",
            "sentAt": "2026-01-02T03:04:05.000+0000",
            "doneAt": "2026-01-02T03:04:06.000+0000",
            "smsCount": 1,
            "callbackData": reference,
            "price": {"pricePerMessage": 0.01, "currency": "EUR"},
            "status": {
                "groupId": 3,
                "groupName": "DELIVERED",
                "id": 5,
                "name": "DELIVERED_TO_HANDSET",
                "description": "Message delivered to handset",
            },
            "error": {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR"},
        }
        for place, reference in enumerate(references)
    ]
    body = json.dumps({"results": results}).encode()
    mac = hmac.new(SIGNING.encode(), body, hashlib.sha256).hexdigest()
    lines = f"Content-Type: application/json\r\nX-Signature: {mac}\r\nContent-Length: {len(body)}"
    return (HEADER.format("POST", "") + lines + "\r\n\r\n").encode() + body


async def _send(order: Order, requests: list[bytes]) -> Report:
    sending = Sending(order, requests)
    used = time.process_time()
    seconds = await sending.run()
    used = time.process_time() - used
    return Report(sending.milliseconds, seconds, used, sending.refused)


def main() -> None:
    """Send what is ordered."""
    order = msgspec.json.decode(sys.stdin.readline(), type=Order)
    requests = list(requests_of(order))
    print("ready", flush=True)
    sys.stdin.readline()
    report = asyncio.run(_send(order, requests))
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")


if __name__ == "__main__":
    main()
