"""The connections that are being left: answered, while their clients may still be sending."""

import socket
import time
from collections.abc import Callable
from selectors import EVENT_READ, BaseSelector

from gunicorn.workers.gthread import TConn

LEAVE = 2.0
"""Seconds for which what a client still sends is thrown away, so that it can read its answer."""

RECEIVED_AT_ONCE = 65_536


class Departures:
    """Closes each connection once its client has, or soon (RFC 9112, section 9.6).

    Closed at once with something unread, it would be reset, and the answer lost. Nothing here
    waits: one client that goes on sending must not stop all others.
    """

    def __init__(self, poller: Callable[[], BaseSelector], close: Callable[[TConn], None]) -> None:
        """Watch with what `poller` returns once the worker runs; `close` a connection for good."""
        self._poller = poller
        self._close = close
        self._until: dict[TConn, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, conn: TConn) -> None:
        """Send nothing more, and wait for the client to go."""
        try:
            conn.sock.settimeout(0.0)
            conn.sock.shutdown(socket.SHUT_WR)
            self._poller().register(conn.sock, EVENT_READ, lambda _: self._discard(conn))
        except (OSError, ValueError):
            self._close(conn)
            return
        self._until[conn] = time.monotonic() + LEAVE

    def end(self, now: float) -> None:
        """Close the connections whose time is over by `now` (monotonic)."""
        for conn, until in list(self._until.items()):
            if until <= now:
                self._end(conn)

    def _discard(self, conn: TConn) -> None:
        try:
            received = conn.sock.recv(RECEIVED_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            received = b""
        if not received:
            self._end(conn)

    def _end(self, conn: TConn) -> None:
        del self._until[conn]
        self._poller().unregister(conn.sock)
        self._close(conn)
