"""One address for several processes of the API, as a Service of Kubernetes is one."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.relay import carry


class Front:
    """A round-robin proxy for new connections; its processes may change while it runs."""

    def __init__(self) -> None:
        self.port = 0
        self._ports: list[int] = []

    def add(self, port: int) -> None:
        """Hand connections to this port too."""
        self._ports = [*self._ports, port]

    def remove(self, port: int) -> None:
        """Hand this port no new connections; those it has go on."""
        self._ports = [one for one in self._ports if one != port]

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to the end."""
        first, *others = self._ports
        self._ports = [*others, first]
        near, far = await asyncio.open_connection("127.0.0.1", first)
        await asyncio.gather(carry(reader, far), carry(near, writer))


@contextmanager
def front() -> Iterator[Front]:
    """Listen on a port of this machine while the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = Front()
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(made.accept, "127.0.0.1", 0), loop
    ).result()
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
