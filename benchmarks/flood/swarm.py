"""The clients of a flood: raw sockets on one event loop."""

import asyncio
import random
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from benchmarks.flood.script import Outcome, Script

RECONNECT = 0.05
"""Seconds before a client connects again."""

RECEIVED_AT_ONCE = 65_536

LAST_CHUNK = b"0\r\n\r\n"

RESET = struct.pack("ii", 1, 0)
"""Value of SO_LINGER with which closing a connection resets it."""

Address = tuple[str, int]


class Swarm:
    """The clients of some scripts, which connect script by script."""

    def __init__(self, address: Address, scripts: Sequence[Script]) -> None:
        self.outcome = Outcome()
        self._address = address
        self._scripts = scripts
        self._unsent = set(range(sum(script.clients for script in scripts)))
        """Numbers of the clients that have not sent everything that they send once."""

    async def run(self, has_begun: Callable[[], None], has_sent: Callable[[], None]) -> None:
        """Run until each client is done; close all connections when cancelled.

        `has_begun` is called when each client has connected or was refused. `has_sent` is called
        when each has sent everything that it sends once, or its first connection has ended.
        """
        self._has_sent = has_sent
        numbers = iter(sorted(self._unsent))
        async with asyncio.TaskGroup() as clients:
            for script in self._scripts:
                connected = [asyncio.Event() for _ in range(script.clients)]
                for event in connected:
                    clients.create_task(self._live(script, next(numbers), event))
                for event in connected:
                    await event.wait()
            has_begun()

    async def _live(self, script: Script, number: int, connected: asyncio.Event) -> None:
        while True:
            try:
                await self._connection(script, number, connected)
            finally:
                connected.set()
                self._note_sent(number)
            if not script.again:
                return
            wait = _to_beat(script) if script.on_beat else RECONNECT * _random()
            await asyncio.sleep(wait)

    async def _connection(self, script: Script, number: int, connected: asyncio.Event) -> None:
        with socket.socket(_family(self._address), socket.SOCK_STREAM) as client:
            client.settimeout(0.0)
            if script.receive_buffer is not None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, script.receive_buffer)
            try:
                await asyncio.get_running_loop().sock_connect(client, self._address)
            except OSError:
                self.outcome.refused += 1
                return
            self.outcome.connected += 1
            connected.set()
            sending = asyncio.create_task(self._send(client, script, number))
            reading = asyncio.create_task(self._read(client, script))
            try:
                # A client that does not read learns of the end by sending alone.
                by_sending = script.resets or (script.reads == 0 and script.rest)
                await asyncio.wait({sending if by_sending else reading})
            finally:
                for task in (sending, reading):
                    task.cancel()
                await asyncio.gather(sending, reading, return_exceptions=True)

    async def _send(self, client: socket.socket, script: Script, number: int) -> None:
        with suppress(OSError):
            await self._send_all(client, script.first)
            if script.times is None:
                self._note_sent(number)
            await self._send_rest(client, script)
            self._note_sent(number)
            if script.half_closes:
                client.shutdown(socket.SHUT_WR)
            if script.resets:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif script.reads == 0:
                await asyncio.Event().wait()

    async def _send_rest(self, client: socket.socket, script: Script) -> None:
        if not script.rest:
            return
        if not script.on_beat:
            await asyncio.sleep(script.pause * _random())
        times = script.times
        while times is None or times > 0:
            if script.on_beat:
                await asyncio.sleep(_to_beat(script))
            await self._send_all(client, script.rest)
            # Without a pause the others have their turn, too.
            await asyncio.sleep(script.pause / 2 if script.on_beat else script.pause)
            times = None if times is None else times - 1

    async def _send_all(self, client: socket.socket, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(client, data)
        self.outcome.sent += len(data)

    async def _read(self, client: socket.socket, script: Script) -> None:
        if script.reads == 0:
            await asyncio.Event().wait()
        loop = asyncio.get_running_loop()
        begin, end = b"", b""
        with suppress(OSError):
            while piece := await loop.sock_recv(client, script.reads or RECEIVED_AT_ONCE):
                if len(begin) < len("HTTP/1.1 200"):
                    begin += piece
                end = (end + piece)[-len(LAST_CHUNK) :]
                if script.reads is not None:
                    await asyncio.sleep(script.pause)
        self.outcome.ended += 1
        self._note_answer(begin, end)

    def _note_answer(self, begin: bytes, end: bytes) -> None:
        words = begin[:20].split()
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        self.outcome.answers[status] = self.outcome.answers.get(status, 0) + 1
        if status == 200 and end != LAST_CHUNK:
            self.outcome.broken += 1

    def _note_sent(self, number: int) -> None:
        if number in self._unsent:
            self._unsent.discard(number)
            if not self._unsent:
                self._has_sent()


def _to_beat(script: Script) -> float:
    return -time.monotonic() % script.pause


def _random() -> float:
    return random.random()  # noqa: S311 - it spreads clients over time


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET
