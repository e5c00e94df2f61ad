"""A proxy between the pool and a server, for the failures that a network has."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class TcpProxy:
    """Forwards connections to `target` until it is told to hang or to cut at some bytes."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._cut_at: bytes | None = None
        self._forward_first = False
        self.cuts = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flowing.set()
        with suppress(OSError):  # wakes the thread that accepts, on Linux
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._sockets:
            with suppress(OSError):
                end.close()

    def hang(self) -> None:
        """Silently stop forwarding, on new connections as well."""
        self._flowing.clear()

    def flow(self) -> None:
        """Forward again."""
        self._flowing.set()

    def cut_once_at(self, sent: bytes, *, forward_first: bool) -> None:
        """End the connection on which the client sends `sent`, before or after forwarding it."""
        self._cut_at, self._forward_first = sent, forward_first

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for source, drain, of_client in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pump, args=(source, drain, of_client), daemon=True
                ).start()

    def _pump(self, source: socket.socket, drain: socket.socket, of_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if of_client and self._cut_at and self._cut_at in data:
                    self._cut_at = None
                    self.cuts += 1
                    self._cut(source, drain, data)
                    return
                drain.sendall(data)
        for end in (source, drain):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _cut(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        client.shutdown(socket.SHUT_RDWR)
        if self._forward_first:
            server.sendall(data)
        else:
            server.shutdown(socket.SHUT_RDWR)
