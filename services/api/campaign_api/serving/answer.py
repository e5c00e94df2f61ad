"""An answer on its way to its client, which reads as slowly as it likes.

gunicorn's own sends from the thread that works on the request: as many clients that do not read
as there are threads keep everybody else out. Here a thread hands an answer to the system as far
as that takes it without waiting. The rest is sent by the main loop, and a thread goes on, where
there is more to be produced, once all of that is gone, or its turn is over.
"""

import socket
import time
from collections.abc import Iterable, Iterator

from gunicorn.http.wsgi import Response

TURN = 1.0
"""Seconds after which an answer that is still being produced lets others have the thread."""

SENT_AT_ONCE = 262_144
"""Bytes handed to the system in one call."""


class Outgoing:
    """Bytes that wait for their client; a gunicorn Response writes to it as to a socket."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._waiting = bytearray()

    def __len__(self) -> int:
        return len(self._waiting)

    def sendall(self, data: bytes) -> None:
        """Take bytes, and send nothing yet."""
        self._waiting += data

    def send_some(self) -> int:
        """Send what the system takes without waiting; returns how many bytes.

        Raises:
            OSError: the client is gone.
        """
        sent = 0
        if not self._waiting:
            # Each call of the system lets another thread compute before this one goes on.
            return sent
        patience = self._client.gettimeout()
        self._client.settimeout(0.0)
        try:
            while self._waiting:
                taken = self._client.send(self._waiting[:SENT_AT_ONCE])
                del self._waiting[:taken]
                sent += taken
        except (BlockingIOError, InterruptedError):
            pass
        finally:
            self._client.settimeout(patience)
        return sent


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


class Answer:
    """A response, what the application still has for it, and what waits for the client."""

    def __init__(self, response: Response, pieces: Iterable[bytes], outgoing: Outgoing) -> None:
        self.response = response
        self.outgoing = outgoing
        self._pieces = pieces
        self._following: Iterator[bytes] = iter(pieces)
        self._is_produced = False

    def go_on(self) -> bool:
        """Produce and send for a turn; returns whether all is sent, or else there is more.

        Raises:
            OSError: the client is gone.
            Exception: the application failed.
        """
        over_at = time.monotonic() + TURN
        self.outgoing.send_some()
        while not self.outgoing:
            if self._is_produced:
                return True
            if time.monotonic() >= over_at:
                return False
            piece = next(self._following, None)
            if piece is None:
                self.response.close()
                self._is_produced = True
            else:
                self.response.write(piece)
            self.outgoing.send_some()
        return False

    def close(self) -> None:
        """Let the application know that nothing more is wanted."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
