"""A relay between one process and a server: frozen and thawed, led elsewhere, or slow.

    python -m tests.chaos.relay PORT [SECONDS]

prints one JSON line, {"port": …}, and carries what arrives there to and from that port of this
machine, each piece SECONDS after it came. Frozen is stopped: no connection breaks, new ones are not
answered, and nothing arrives; what was under way arrives late, as from a network that recovers.

It reads JSON lines, {"target": …, "delay": …}, and answers each with the same line once it holds:
another target is for new connections only, as with a proxy or a DNS name that moves, another delay
for all of them.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.support.providers.recordings import PROJECT

PIECE = 65536


class Relay:
    """A relay in a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.port = port
        self._process = process

    def freeze(self) -> None:
        """Carry nothing from now on."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Carry everything again, what came meanwhile included."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Break all connections, and take no further ones."""
        self._process.kill()
        self._process.wait()

    def lead_to(self, port: int) -> None:
        """Take new connections to another port; the old ones stay as they are."""
        self._set(target=port)

    def delay(self, seconds: float) -> None:
        """Deliver what comes from now on so many seconds later, in each direction."""
        self._set(delay=seconds)

    def _set(self, **values: float) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(values).encode() + b"\n")
        self._process.stdin.flush()
        assert json.loads(self._process.stdout.readline()) == values


def dsn_at(port: int, dsn: str) -> str:
    """The DSN with another port of this machine in it, such as a relay's."""
    before, _, after = dsn.partition("@tcp(")
    return f"{before}@tcp(127.0.0.1:{port}){after.partition(')')[2]}"


@contextmanager
def relay_to(port: int, delay: float = 0.0) -> Iterator[Relay]:
    """Start a relay to a port of this machine."""
    command = [sys.executable, "-m", "tests.chaos.relay", str(port), str(delay)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=PROJECT) as process:
        try:
            assert process.stdout is not None
            yield Relay(process, json.loads(process.stdout.readline())["port"])
        finally:
            process.kill()


class Carrier:
    """The side of a relay that carries, in its own process."""

    def __init__(self, target: int, delay: float) -> None:
        self._target = target
        self._delay = delay

    async def serve(self) -> None:
        """Carry until killed."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)  # noqa: T201
        await asyncio.to_thread(self._obey)

    def _obey(self) -> None:
        for line in sys.stdin:
            values = json.loads(line)
            self._target = values.get("target", self._target)
            self._delay = values.get("delay", self._delay)
            print(json.dumps(values), flush=True)  # noqa: T201

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near, far = await asyncio.open_connection("127.0.0.1", self._target)
        delay = self._current_delay
        await asyncio.gather(carry(reader, far, delay), carry(near, writer, delay))

    def _current_delay(self) -> float:
        return self._delay


def _no_delay() -> float:
    return 0.0


async def carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    delay: Callable[[], float] = _no_delay,
) -> None:
    """Carry one direction of a connection to its end; b"" stands for that end."""
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    delivering = asyncio.create_task(_deliver(pieces, writer))
    clock = asyncio.get_running_loop().time
    piece = b"x"
    while piece:
        try:
            piece = await reader.read(PIECE)
        except ConnectionError:
            piece = b""
        pieces.put_nowait((clock() + delay(), piece))
    await delivering


async def _deliver(
    pieces: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
) -> None:
    clock = asyncio.get_running_loop().time
    with suppress(ConnectionError):
        while True:
            at, piece = await pieces.get()
            if at > clock():
                await asyncio.sleep(at - clock())
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(Carrier(int(sys.argv[1]), float(sys.argv[2])).serve())
