"""gunicorn's gevent worker, with bounds on its connections.

Greenlets hold the connections, which are many and wait; native threads run the application, which
computes (see `threaded`). So nothing is monkey-patched: whatever the application uses works as it
does anywhere.
"""

import gc
import socket
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import gevent
import gevent.socket
import structlog
from gevent.server import StreamServer
from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.workers.ggevent import GeventWorker

from campaign_api.serving.callbacks.endpoint import CALLBACKS_ONLY
from campaign_api.serving.connection import Connection
from campaign_api.serving.connections import MOST_WAITING, Connections, NoRoom, Phase
from campaign_api.serving.request_body import RequestBody
from campaign_api.serving.responses.liveness import Liveness
from campaign_api.serving.responses.outgoing import Outgoing, PlainResponse
from campaign_api.serving.responses.refusal import refusal, refusal_of
from campaign_api.serving.threaded import Answer, Threaded
from campaign_common.runtime.memory import give_back, keep_small

TRIM_EVERY = 2.0
"""Seconds after which free memory is given back to the system."""

ACCEPTED_AT_ONCE = 64
"""Connections that a worker accepts in one turn of its loop."""

log = structlog.get_logger(__name__)


class ApiWorker(GeventWorker):  # type: ignore[misc]
    """Worker that serves each connection in a greenlet of its own."""

    _trim_at = 0.0
    _callback_listener: gevent.socket.socket | None = None

    def patch(self) -> None:
        """Make greenlets wait at the listening sockets, and leave everything else as it is."""
        self.sockets: list[gevent.socket.socket] = [
            gevent.socket.socket(each.FAMILY, socket.SOCK_STREAM, fileno=each.sock.detach())
            for each in self.sockets
        ]

    def run(self) -> None:
        """Serve until the worker is told to stop."""
        keep_small()
        settings, bounds = self.app.settings, self.app.connections
        most = bounds.clients
        self._silence = settings.timeout
        self._connections = Connections(most, MOST_WAITING + settings.api.max_body_bytes)
        self._callback_connections = Connections(bounds.callback_port)
        if len(self.sockets) > 1:
            self._callback_listener = self.sockets[1]
        self._threaded = Threaded(
            self.wsgi,
            settings.threads,
            most_waiting=most // 2,
            liveness=Liveness(self.wsgi),
            callbacks=self.app.callback_endpoint,
        )
        # With several workers gunicorn lets each accept one connection a turn of its loop, so that
        # under a flood a connection waits for as many turns as there are others before it.
        self.cfg.set("workers", 1)
        StreamServer.max_accept = ACCEPTED_AT_ONCE
        super().run()

    def notify(self) -> None:
        """Show that the worker lives; called about once a second."""
        super().notify()
        if time.monotonic() >= self._trim_at:
            self._trim_at = time.monotonic() + TRIM_EVERY
            # Connections that ended leave cycles, which may hold the last bytes that came. What
            # stands since the start is frozen and is not looked at.
            gc.collect()
            give_back()
        if not self.alive:
            self._connections.end_idle()
            self._callback_connections.end_idle()

    def timeout_ctx(self) -> AbstractContextManager[None]:
        """Bound nothing here: a connection bounds its own waits."""
        return nullcontext()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:  # noqa: ANN401 - gunicorn's signature
        """Serve one connection; whatever happens to it ends nothing else."""
        present = gevent.getcurrent()
        connected = socket.socket(fileno=client.detach())
        only_callbacks = listener is self._callback_listener
        others = self._callback_connections if only_callbacks else self._connections
        connection = Connection(connected, present, others, self._silence)
        connection.only_callbacks = only_callbacks
        try:
            others.add(connection)
            super().handle(listener, connection, addr)
        except NoRoom:
            said = "all connections are being worked on; send the request again later"
            connection.send_now(memoryview(refusal(503, said, b"")))
        except (OSError, gevent.GreenletExit):
            log.debug("connection ended", exc_info=True)
        except Exception:
            log.exception("connection failed")
        finally:
            connection.leave()
            connection.close_at_once()

    def handle_request(self, listener_name: Any, req: Request, sock: Connection, addr: Any) -> None:  # noqa: ANN401
        """Answer a request.

        Raises:
            StopIteration: the connection is to end.
            Exception: there is no answer yet.
        """
        sock.move(Phase.WORKING)
        outgoing = Outgoing()
        response, environ = wsgi.create(
            req, outgoing, addr, listener_name, self.cfg, response_class=PlainResponse
        )
        # Who is at its other end is asked by the application.
        environ |= {"wsgi.multithread": True, "gunicorn.socket": sock.socket}
        if sock.only_callbacks:
            environ[CALLBACKS_ONLY] = True
        body = RequestBody(sock, req, environ, outgoing.invitation)
        try:
            answer = self._threaded(environ, response.start_response)
            try:
                for piece in answer:
                    if not body.is_complete or not self.alive:
                        response.force_close()
                    response.write(piece)
                    del piece  # what waits for its reader is in memory once
                    if not answer.is_over:
                        self._send_part(sock, outgoing, answer)
                response.close()
                self._send_part(sock, outgoing, answer)
            finally:
                answer.close()
        except OSError:
            raise
        except Exception as error:
            if not response.headers_sent:
                raise
            log.exception("response aborted")
            raise StopIteration from error
        finally:
            sock.release()
        if response.should_close():
            raise StopIteration
        sock.await_request()
        # A client whose next request is always there must not keep all others waiting.
        gevent.sleep(0)

    def _send_part(self, sock: Connection, outgoing: Outgoing, answer: Answer) -> None:
        """Send what was written of an answer, as slowly as the client reads."""
        rest = sock.send_now(memoryview(outgoing.take()))
        if rest:
            sock.count(rest)
        answer.part_is_on_its_way()
        if rest:
            sock.send_as_read(rest)

    def handle_error(
        self,
        req: Request | None,
        client: Connection,
        addr: Any,  # noqa: ANN401
        exc: BaseException,
    ) -> None:
        """Answer to what is no request, or failed outside of the application."""
        del addr
        if isinstance(exc, gevent.GreenletExit):
            return
        words = client.beginning.split(b"\r\n", 1)[0].split(b" ")
        target = req.uri.encode("latin-1") if req else words[1] if len(words) > 1 else b""
        client.sendall(refusal_of(exc, target))
