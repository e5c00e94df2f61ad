"""A relay between one process and a server, which can be frozen and thawed.

    python -m tests.chaos.relay PORT

prints one JSON line, {"port": …}, and carries what arrives there to and from that port of this
machine. Frozen is stopped: no connection breaks, new ones are not answered, and nothing arrives;
what was under way arrives late, as from a network that recovers.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.recordings import PROJECT

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


def dsn_at(port: int, dsn: str) -> str:
    """The DSN with another port of this machine in it, such as a relay's."""
    before, _, after = dsn.partition("@tcp(")
    return f"{before}@tcp(127.0.0.1:{port}){after.partition(')')[2]}"


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """Start a relay to a port of this machine."""
    command = [sys.executable, "-m", "tests.chaos.relay", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT) as process:
        try:
            assert process.stdout is not None
            yield Relay(process, json.loads(process.stdout.readline())["port"])
        finally:
            process.kill()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one direction of a connection to its end."""
    with suppress(ConnectionError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def serve(target: int) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near, far = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(carry(reader, far), carry(near, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
