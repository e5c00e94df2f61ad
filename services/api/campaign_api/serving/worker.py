"""gunicorn's worker with threads, changed so that no client can hold a thread by being slow.

gunicorn's own hands a connection to a thread as soon as it is accepted, and there waits for the
request: 5 seconds for its first byte, and without a bound for the rest of its header. As many
silent or slow clients as there are threads keep everybody else out. It also takes leave of a
connection in its main loop, where one client that goes on sending stops all others for
2 seconds.

Here the main loop collects the header of a request, and a body of ordinary size with it, and a
thread begins when they are complete. Whatever is still on its way after `ARRIVAL` seconds has
missed its time: of a header the client gets a 408, of a body whoever reads it gets a timeout.
Uploads alone are read by their threads; how many of them there are at a time is bounded by
MaxImports. The main loop also sends what a client has not read of its answer (see `answer`), and
takes leave of connections (see `departures`), both without waiting.
"""

import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

import structlog
from gunicorn.http import wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

from campaign_api.serving.answer import Answer, Outgoing, PlainResponse
from campaign_api.serving.arriving_request import ArrivingRequest
from campaign_api.serving.departures import Departures
from campaign_api.serving.readers import Readers
from campaign_api.serving.refusal import refusal, refusal_of
from campaign_common.settings import Settings

ARRIVAL = 10.0
"""Seconds that a request has from its first byte to the end of its header, or of a small body."""

IDLE = 20.0
"""Seconds for which a connection without a request stays open."""

LEAVE_WHEN_STOPPING = 0.5

LATE = 0.1
"""Seconds for which a thread waits for the next byte of a body that has missed its time."""

RECEIVED_AT_ONCE = 65_536

INVITATION = b"HTTP/1.1 100 Continue\r\n\r\n"

log = structlog.get_logger(__name__)


class Fate(Enum):
    """What becomes of a connection when a thread is done with it for now."""

    SERVES_ON = "serves on"
    IS_LEFT = "is left"
    AWAITS_READER = "awaits its reader"
    """There is more of the answer than the client has taken so far."""


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
        self._readers = Readers(settings.timeout)
        self._departures = Departures(lambda: self.poller, self._close)
        self._targets: dict[socket.socket, bytes] = {}

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and wait for its first request."""
        with suppress(BlockingIOError, ConnectionAbortedError, InterruptedError):
            client, address = listener.accept()
            self.nr_conns += 1
            conn = TConn(self.cfg, client, address, listener.getsockname())
            self._await_request(conn, b"", ARRIVAL)
            self._make_room()

    def handle_request(self, req: Any, conn: TConn) -> Fate:  # noqa: ANN401 - gunicorn's own
        """Work on a request; called in a thread."""
        conn.sock.settimeout(conn.patience)
        response, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg)
        # Not every version of gunicorn can be given a class of its own.
        response.__class__ = PlainResponse
        response.sock = outgoing = Outgoing(conn.sock)
        environ["wsgi.multithread"] = True
        if not self.alive:
            response.force_close()
        pieces = self.wsgi(environ, response.start_response)
        conn.answer = Answer(response, pieces, outgoing)
        return self._go_on(conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:  # noqa: ANN401 - gunicorn's own
        """Answer to what is no request, or failed outside of the application; in a thread."""
        del req, addr
        with suppress(OSError):
            client.settimeout(LATE)
            client.sendall(refusal_of(exc, self._targets.get(client, b"")))

    def finish_request(self, conn: TConn, done: "Future[Any]") -> None:
        """Do with the connection what is to be done; called when a thread is done with it."""
        failed = done.cancelled() or done.exception() is not None
        fate = Fate.IS_LEFT if failed else done.result()
        if fate is Fate.AWAITS_READER:
            self._await_reader(conn)
            return
        self._targets.pop(conn.sock, None)
        if fate is not Fate.SERVES_ON:
            self._departures.add(conn)
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
        for conn in self._readers.overdue(float("inf") if force else now):
            self._abandon(conn)
        self._departures.end(float("inf") if force else now)

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        """Take new connections or not; a worker that stops closes its door for good."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    def _make_room(self) -> None:
        """Give up the connection that has waited longest where there is room for no other."""
        if self.nr_conns < self.worker_connections:
            return
        if len(self._arriving) == 1 and self._readers:
            # All others but the youngest are busy, or read too slowly.
            self._abandon(self._readers.slowest())
        elif self._arriving:
            conn, request = next(iter(self._arriving.items()))
            self._give_up(conn, request)

    def _await_request(self, conn: TConn, begun: bytes, seconds: float) -> None:
        conn.sock.settimeout(0.0)
        request = ArrivingRequest(self._largest_body, time.monotonic() + seconds)
        request.add(begun)
        self._arriving[conn] = request
        self.poller.register(conn.sock, EVENT_READ, lambda _: self._receive(conn))
        self._look_at(conn, request)

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
        self._look_at(conn, request)

    def _look_at(self, conn: TConn, request: ArrivingRequest) -> None:
        """Do what is due for as much of a request as has come."""
        if request.is_complete():
            self._hand_over(conn)
        elif request.is_too_large():
            self._refuse(conn, 431, "the header is beyond 64 KiB")
        elif request.expects_invitation:
            request.expects_invitation = False
            with suppress(OSError):
                conn.sock.send(INVITATION)

    def _give_up(self, conn: TConn, request: ArrivingRequest) -> None:
        if request.has_header():
            self._hand_over(conn)
        elif request.received:
            self._refuse(conn, 408, "the request did not arrive in time")
        else:
            self._forget(conn)
            self._close(conn)

    def _hand_over(self, conn: TConn) -> None:
        """Let a thread work on the request."""
        request = self._forget(conn)
        conn.init()
        conn.data_ready = True
        conn.patience = self._silence if request.is_upload else LATE
        conn.parser.unreader.unread(bytes(request.received))
        self._targets[conn.sock] = request.target
        self.enqueue_req(conn)

    def _refuse(self, conn: TConn, status: int, detail: str) -> None:
        request = self._forget(conn)
        with suppress(OSError):
            conn.sock.send(refusal(status, detail, request.target))
        self._departures.add(conn)

    def _go_on(self, conn: TConn) -> Fate:
        """Produce and send an answer as far as its client takes it; called in a thread."""
        answer: Answer = conn.answer
        try:
            if not answer.go_on():
                return Fate.AWAITS_READER
        except OSError:
            answer.close()
            raise
        except Exception:
            answer.close()
            if not answer.response.headers_sent:
                raise
            log.exception("answer broken off")
            return Fate.IS_LEFT
        answer.close()
        return Fate.IS_LEFT if answer.response.should_close() else Fate.SERVES_ON

    def _resume(self, conn: TConn) -> Fate:
        with suppress(OSError):
            return self._keepalive_after(conn, self._go_on(conn))
        return Fate.IS_LEFT

    def _await_reader(self, conn: TConn) -> None:
        """Send the rest as the client takes it."""
        conn.sock.settimeout(0.0)
        self._readers.note(conn)
        self.poller.register(conn.sock, EVENT_WRITE, lambda _: self._send_more(conn))
        while self._readers.hold_too_much():
            self._abandon(self._readers.slowest())

    def _send_more(self, conn: TConn) -> None:
        outgoing: Outgoing = conn.answer.outgoing
        try:
            sent = outgoing.send_some()
        except OSError:
            self._abandon(conn)
            return
        if sent:
            self._readers.note(conn)
        if not outgoing:
            self.poller.unregister(conn.sock)
            self._readers.remove(conn)
            done = self.tpool.submit(self._resume, conn)
            done.add_done_callback(
                lambda ended: self.method_queue.defer(self.finish_request, conn, ended)
            )

    def _abandon(self, conn: TConn) -> None:
        """End a connection in the middle of its answer."""
        self.poller.unregister(conn.sock)
        self._readers.remove(conn)
        self._targets.pop(conn.sock, None)
        conn.answer.close()
        self._close(conn)

    def _forget(self, conn: TConn) -> ArrivingRequest:
        self.poller.unregister(conn.sock)
        return self._arriving.pop(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _keepalive_after(self, conn: TConn, keepalive: Fate) -> Fate:
        """Let the connection serve on only when its body has been read to the end."""
        if keepalive is not Fate.SERVES_ON:
            return keepalive
        is_read = conn.parser.finish_body(deadline=time.monotonic() + LATE)
        return Fate.SERVES_ON if is_read else Fate.IS_LEFT
