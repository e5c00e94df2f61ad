"""gunicorn's worker with threads, changed so that no client can hold a thread by being slow.

gunicorn's own hands a connection to a thread as soon as it is accepted, and there waits for the
request: 5 seconds for its first byte, and without a bound for the rest of its header. As many
silent or slow clients as there are threads keep everybody else out. It also takes leave of a
connection in its main loop, where one client that goes on sending stops all others for
2 seconds.

Here the main loop collects the header of a request, and a body of ordinary size with it, and a
thread begins when they are complete. Whatever is still on its way after `ARRIVAL` seconds has
missed its time: of a header the client gets a 408, of a body whoever reads it gets a timeout.
Leave is taken in the main loop too, but without waiting. Uploads, which are larger, are read by
their threads; how many of them there are at a time is bounded by MaxImports.
"""

import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

import structlog
from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import TConn, ThreadWorker

from campaign_api.serving.arriving_request import ArrivingRequest
from campaign_common.settings import Settings

ARRIVAL = 10.0
"""Seconds that a request has from its first byte to the end of its header, or of a small body."""

IDLE = 20.0
"""Seconds for which a connection without a request stays open."""

LEAVE = 2.0
"""Seconds for which what a client still sends is thrown away, so that it can read its answer."""

LEAVE_WHEN_STOPPING = 0.5

LATE = 0.1
"""Seconds for which a thread waits for the next byte of a body that has missed its time."""

RECEIVED_AT_ONCE = 65_536

TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 35\r\n\r\nthe request did not arrive in time\n"
)
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 28\r\n\r\nthe header is beyond 64 KiB\n"
)

log = structlog.get_logger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker whose threads work on requests that have arrived.

    It also refuses new connections while it drains: gunicorn's own keeps its listening socket
    open until the end, and whoever connects meanwhile waits for an answer that never comes.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - gunicorn's own
        super().__init__(*arguments, **options)
        settings: Settings = self.app.settings
        # A body up to this size is waited for before a thread begins.
        self._largest_body = settings.api.max_body_bytes
        # A client that neither sends nor reads for so long is given up.
        self._silence = settings.timeout
        self._arriving: dict[TConn, ArrivingRequest] = {}
        self._leaving: dict[TConn, float] = {}

    def load_wsgi(self) -> None:
        """Load the application, and bound the waits of its threads."""
        super().load_wsgi()
        self.wsgi: Application = partial(self._answer, self.wsgi)

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and wait for its first request."""
        with suppress(BlockingIOError, ConnectionAbortedError, InterruptedError):
            client, address = listener.accept()
            self.nr_conns += 1
            conn = TConn(self.cfg, client, address, listener.getsockname())
            self._await_request(conn, b"", ARRIVAL)
            self._make_room()

    def handle_request(self, req: Any, conn: TConn) -> bool:  # noqa: ANN401 - gunicorn's own
        """Work on a request; called in a thread."""
        conn.sock.settimeout(conn.patience)
        return bool(super().handle_request(req, conn))

    def finish_request(self, conn: TConn, done: "Future[bool]") -> None:
        """Wait for the connection's next request, or take leave of it; called when one is done."""
        if done.cancelled() or done.exception() is not None or not done.result():
            self._take_leave(conn)
            return
        begun = conn.parser.unreader.take_buffered()
        self._await_request(conn, begun, ARRIVAL if begun else IDLE)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's signature
        """End the waits that have lasted long enough; called about once a second."""
        now = time.monotonic()
        for conn, request in list(self._arriving.items()):
            if not self.alive and not request.received:
                request.deadline = min(request.deadline, now + LEAVE_WHEN_STOPPING)
            if force or request.deadline <= now:
                self._give_up(conn, request)
        for conn, deadline in list(self._leaving.items()):
            if force or deadline <= now:
                self._close(conn)

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        """Take new connections or not; a worker that stops closes its door for good."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    def _make_room(self) -> None:
        """Give up the connection that has waited longest where there is room for no other."""
        if self.nr_conns >= self.worker_connections and self._arriving:
            conn, request = next(iter(self._arriving.items()))
            self._give_up(conn, request)

    def _await_request(self, conn: TConn, begun: bytes, seconds: float) -> None:
        conn.sock.settimeout(0.0)
        request = ArrivingRequest(self._largest_body, time.monotonic() + seconds)
        request.add(begun)
        self._arriving[conn] = request
        self.poller.register(conn.sock, EVENT_READ, lambda _: self._receive(conn))
        if request.is_complete():
            self._hand_over(conn)

    def _receive(self, conn: TConn) -> None:
        request = self._arriving[conn]
        try:
            received = conn.sock.recv(RECEIVED_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            received = b""
        if not received:
            self._forget(conn)
            self._close(conn)
            return
        if not request.received:
            request.deadline = time.monotonic() + ARRIVAL
        request.add(received)
        if request.is_complete():
            self._hand_over(conn)
        elif request.is_too_large():
            self._refuse(conn, TOO_LARGE)

    def _give_up(self, conn: TConn, request: ArrivingRequest) -> None:
        if request.has_header():
            self._hand_over(conn, late=True)
        elif request.received:
            self._refuse(conn, TOO_SLOW)
        else:
            self._forget(conn)
            self._close(conn)

    def _hand_over(self, conn: TConn, *, late: bool = False) -> None:
        """Let a thread work on the request."""
        request = self._forget(conn)
        conn.init()
        conn.data_ready = True
        conn.patience = LATE if late else self._silence
        conn.parser.unreader.unread(bytes(request.received))
        self.enqueue_req(conn)

    def _refuse(self, conn: TConn, answer: bytes) -> None:
        self._forget(conn)
        with suppress(OSError):
            conn.sock.send(answer)
        self._take_leave(conn)

    def _forget(self, conn: TConn) -> ArrivingRequest:
        self.poller.unregister(conn.sock)
        return self._arriving.pop(conn)

    def _take_leave(self, conn: TConn) -> None:
        """Close the connection once the client has, or soon (RFC 9112, section 9.6).

        Closed at once with something unread, it would be reset, and the answer lost.
        """
        try:
            conn.sock.settimeout(0.0)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, lambda _: self._discard(conn))
        except (OSError, ValueError):
            self._close(conn)
            return
        self._leaving[conn] = time.monotonic() + LEAVE

    def _discard(self, conn: TConn) -> None:
        try:
            received = conn.sock.recv(RECEIVED_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            received = b""
        if not received:
            self._close(conn)

    def _close(self, conn: TConn) -> None:
        if self._leaving.pop(conn, None) is not None:
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:  # noqa: FBT001 - gunicorn's signature
        """Tell whether the connection serves on: only when its body has been read to the end."""
        return keepalive and bool(conn.parser.finish_body(deadline=time.monotonic() + LATE))

    def _answer(
        self,
        application: Application,
        environ: dict[str, Any],
        start_response: Any,  # noqa: ANN401 - gunicorn's bound method
    ) -> Iterable[bytes]:
        response: Response = start_response.__self__
        # gunicorn has no way to be given a class of its own.
        response.__class__ = PlainResponse
        return application(environ, start_response)


class PlainResponse(Response):  # type: ignore[misc]
    """An answer that names no server, and ends the connection where the application says so."""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take the application's headers."""
        super().process_headers(headers)
        if ("connection", "close") in ((name.lower(), value.lower()) for name, value in headers):
            self.force_close()

    def default_headers(self) -> list[str]:
        """Return the headers that come before the application's."""
        own: list[str] = super().default_headers()
        return [line for line in own if not line.startswith("Server:")]
