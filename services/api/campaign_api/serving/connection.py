"""A client's connection on which every wait has an end, and every read a bound."""

import errno
import select
import socket
import time
from contextlib import suppress
from threading import get_ident

from gevent import Greenlet, GreenletExit, sleep
from gevent.socket import wait_read, wait_write
from gunicorn.http.errors import LimitRequestHeaders, ParseException

from campaign_api.serving.connections import Connections, NoRoom, Phase

ARRIVAL = 10.0
"""Seconds that a header has from its first byte to its end, and so has a body of ordinary size."""

IDLE = 20.0
"""Seconds for which a connection without a request stays open."""

LARGEST_PIECE = 65_536
"""Bytes of a body that are received at a time."""

LEAVE = 5.0
"""Seconds for which what a client still sends is thrown away, so that it can read its answer."""

DISCARDED_AT_ONCE = 65_536
DISCARD_PAUSE = 0.01
"""Bytes that are thrown away in one go, and seconds until the next ones are."""

LARGEST_HEADER = 65_536
"""Bytes of request line and header lines."""

END_OF_HEADER = b"\r\n\r\n"
"""A header that arrives in one piece is a request at once, and yields to no other one."""

LEAST_RATE = 512
"""Bytes a second that a client must send of an upload, or read of an answer, in the long run."""

WINDOW = 20.0
"""Seconds of waiting over which that rate is taken."""

FOREVER = float("inf")


class HeaderLate(ParseException):  # type: ignore[misc]
    """A header began and did not arrive in time."""


class Connection:
    """Connection in place of a socket; gunicorn reads its requests from it.

    It waits as its caller does: a greenlet yields to others, a thread of the application
    blocks.
    """

    def __init__(
        self, client: socket.socket, greenlet: Greenlet, others: Connections, silence: float
    ) -> None:
        """Serve `client` in `greenlet`; a client that does nothing for `silence` s is given up."""
        client.settimeout(0.0)
        self.greenlet = greenlet
        self.phase = Phase.WAITING
        self.since = time.monotonic()
        """When it began to do what it does."""
        self.held = 0
        """Bytes in memory that this connection counts for."""
        self.yields = False
        """It is to end now, for others or because the process stops."""
        self.only_callbacks = False
        """It came through CallbackPort."""
        self.beginning = b""
        """The first bytes of a request, as far as they came while its header was awaited."""
        self.socket = client
        """The socket itself, to be asked about, and neither read nor written."""
        self._others = others
        self._patience = silence
        self._loop_thread = get_ident()
        self.await_request()

    def join(self, others: Connections) -> Connections:
        """Count among `others` from now on; returns those among which it counted.

        Raises:
            NoRoom: all of them are being worked on; it counts where it did.
        """
        others.add(self)
        before = self._others
        before.remove(self)
        self._others = others
        return before

    def rejoin(self, others: Connections) -> None:
        """Count among `others` again, whose bound it may exceed for the rest of its request."""
        self._others.remove(self)
        others.take_back(self)
        self._others = others

    def leave(self) -> None:
        """Count nowhere: it has ended."""
        self._others.remove(self)

    def await_request(self) -> None:
        """Expect the next header."""
        self.beginning = b""
        self.room = LARGEST_HEADER
        """Bytes that may be received from now on."""
        self.end_after(IDLE)
        self.move(Phase.WAITING)

    def end_after(self, seconds: float) -> None:
        """Set the end of all waits to `seconds` from now."""
        self._deadline, self._silence = time.monotonic() + seconds, FOREVER

    def keep_pace(self) -> None:
        """Bound each wait by the silence allowed, and go on while the rate is kept."""
        self._deadline, self._silence = FOREVER, self._patience
        self._waited, self._moved = 0.0, 0

    def allow(self, most: int) -> None:
        """Set the bytes that may be received from now on to `most`."""
        self.room = most

    def move(self, phase: Phase) -> None:
        """Do something else from now on.

        Raises:
            GreenletExit: this connection has had to yield.
        """
        if self.yields and phase is not Phase.LEAVING:
            raise GreenletExit
        self._others.move(self, phase)

    def setblocking(self, _: object) -> None:
        """Change nothing: it waits in its own way."""

    def recv(self, size: int) -> bytes:
        """Receive some bytes; empty when the client sends no more, or sent no request.

        Raises:
            TimeoutError: they did not come in time. HeaderLate: of a header.
            LimitRequestHeaders: more have come than are allowed.
            NoRoom: a body is being collected, and there is no memory for more.
        """
        if self.room <= 0:
            raise LimitRequestHeaders("more bytes than a header or the framing of a body may have")
        try:
            received = self._receive(size)
        except TimeoutError:
            if self.phase is not Phase.WAITING:
                raise
            if self.beginning:
                raise HeaderLate from None
            return b""
        self.room -= len(received)
        if self.phase is Phase.BODY:
            self._others.hold(self, len(received))
        elif self.phase is Phase.WAITING:
            self._note_header(received)
        return received

    def sendall(self, data: bytes) -> None:
        """Send all, as slowly as the client reads.

        Raises:
            TimeoutError: it reads too slowly.
        """
        rest = self.send_now(memoryview(data))
        if rest:
            self.count(rest)
            self.send_as_read(rest)

    def count(self, rest: memoryview) -> None:
        """Count what is to be sent as bytes in memory; the slowest readers yield to it."""
        with suppress(NoRoom):  # where it is alone, it may be of any size
            self._wait_for_room(len(rest))
        self._others.hold(self, len(rest))

    def release(self) -> None:
        """Count what this connection held in memory as gone."""
        self._others.release(self)

    def send_as_read(self, rest: memoryview) -> None:
        """Send what the system did not take at once, as slowly as the client reads.

        Raises:
            TimeoutError: it reads too slowly.
        """
        before = self.phase
        self.move(Phase.SENDING)
        self.keep_pace()
        while rest:
            self._wait(select.POLLOUT)
            length = len(rest)
            rest = self.send_now(rest)
            self._note_moved(length - len(rest))
        self.release()
        self.move(before)

    def send_now(self, data: memoryview) -> memoryview:
        """Send what the system takes without waiting; returns the rest."""
        try:
            while data:
                data = data[self.socket.send(data) :]
        except (BlockingIOError, InterruptedError):
            pass
        return data

    def close(self) -> None:
        """Close, when the client has, or soon.

        Closed at once with something unread, the connection would be reset, and the answer lost
        (RFC 9112, section 9.6).
        """
        self.move(Phase.LEAVING)
        try:
            self.socket.shutdown(socket.SHUT_WR)
            self.end_after(LEAVE)
            while not self.yields and self._receive(DISCARDED_AT_ONCE):
                # One client that goes on sending must not keep all others waiting.
                sleep(DISCARD_PAUSE)
        except OSError:
            pass
        finally:
            self.socket.close()

    def close_at_once(self) -> None:
        """Close without waiting for anything."""
        self.socket.close()

    def _note_header(self, received: bytes) -> None:
        if not self.beginning:
            self.end_after(ARRIVAL)
        self.beginning = (self.beginning + received)[:1_024]
        if END_OF_HEADER not in received and self._others.hold_header(self, len(received)):
            # Those that yield let go first, so that both are never in memory.
            sleep(0)

    def _wait_for_room(self, size: int) -> None:
        while not self._others.make_room(self, size):
            sleep(0)

    def _receive(self, size: int) -> bytes:
        if self.phase is Phase.BODY:
            size = min(size, LARGEST_PIECE)
        while True:
            if self.phase is Phase.BODY:
                self._wait_for_room(size)
            try:
                received = self.socket.recv(size)
            except (BlockingIOError, InterruptedError):
                self._wait(select.POLLIN)
            else:
                self._note_moved(len(received))
                return received

    def _wait(self, event: int) -> None:
        began = time.monotonic()
        seconds = min(self._silence, self._deadline - began)
        if seconds <= 0 or not self._is_ready(event, seconds):
            raise _too_slow()
        if self._deadline == FOREVER:
            self._waited += time.monotonic() - began

    def _is_ready(self, event: int, seconds: float) -> bool:
        if get_ident() == self._loop_thread:
            wait = wait_read if event == select.POLLIN else wait_write
            wait(self.socket.fileno(), timeout=seconds, timeout_exc=_too_slow())
            return True
        waiting = select.poll()
        waiting.register(self.socket, event)
        return bool(waiting.poll(int(seconds * 1000) + 1))

    def _note_moved(self, moved: int) -> None:
        if self._deadline != FOREVER:
            return
        self._moved += moved
        if self._waited >= WINDOW:
            if self._moved < LEAST_RATE * self._waited:
                raise _too_slow()
            self._waited, self._moved = 0.0, 0


def _too_slow() -> TimeoutError:
    # gunicorn writes nothing in its log about what has this number.
    return TimeoutError(errno.EPIPE, "the client was too slow")
