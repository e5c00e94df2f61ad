"""Receiver of events as a process: it notes each request before it answers, and may be killed."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any, NamedTuple

from tests.support.waiting import wait_until


class Received(NamedTuple):
    """A request as it came; the names of the headers are lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


class WebhookReceiver:
    """A receiver at an address of its own that can be killed and started again."""

    def __init__(self, folder: Path, name: str, port: int, host: str = "127.0.0.1") -> None:
        self.url = f"http://{host}:{port}/{name}"
        self._log = folder / f"{name}.jsonl"
        self._address = (host, str(port))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, status: int = 204, delay: float = 0.0, location: str = "") -> None:
        """Answer with `status` from now on, `delay` seconds after each request."""
        wanted = [*self._address, str(self._log), str(status), str(delay), location]
        self._process = subprocess.Popen([sys.executable, "-m", __name__, *wanted])
        begun = len(self._lines("started"))
        wait_until(lambda: len(self._lines("started")) > begun)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def received(self) -> list[Received]:
        return [
            Received(line["headers"], line["body"].encode("latin-1"))
            for line in self._lines("headers")
        ]

    @property
    def ids(self) -> set[str]:
        return {each.event_id for each in self.received}

    @property
    def connections(self) -> int:
        return len(self._lines("connected"))

    def _lines(self, field: str) -> list[dict[str, Any]]:
        text = self._log.read_text() if self._log.exists() else ""
        whole = [json.loads(line) for line in text.splitlines(keepends=True) if line[-1] == "\n"]
        return [line for line in whole if field in line]


@contextmanager
def webhook_receiver(receiver: WebhookReceiver) -> Iterator[WebhookReceiver]:
    """End a receiver with the block."""
    try:
        yield receiver
    finally:
        receiver.kill()


def _serve(host: str, port: str, log: str, status: str, delay: str, location: str) -> None:
    with Path(log).open("a", buffering=1) as notes:

        def note(line: dict[str, Any]) -> None:
            notes.write(json.dumps(line) + "\n")

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> tuple[socket, Any]:
                accepted = super().get_request()
                note({"connected": True})
                return accepted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): text for name, text in self.headers.items()}
                note({"headers": headers, "body": body.decode("latin-1")})
                time.sleep(float(delay))
                self.send_response(int(status))
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = Server((host, int(port)), Handler)
        note({"started": True})
        server.serve_forever()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
