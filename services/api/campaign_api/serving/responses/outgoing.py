"""The answer to one request, on its way from gunicorn's writer to the connection."""

from gunicorn.http.wsgi import Response


class Outgoing:
    """Bytes that are sent together; gunicorn writes to it as to a socket."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self.invitation = b""
        """Interim response that the client awaits before it sends its body."""

    def send(self, data: bytes) -> None:
        """Take the `100 Continue`, which gunicorn would send before it is known who asks."""
        self.invitation = data

    def sendall(self, data: bytes) -> None:
        """Take a part of the answer."""
        self._waiting += data

    def take(self) -> bytes:
        """Return what waits, and forget it."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


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
