"""Requests of the command line to the API."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from campaign_admin.commands.api_client import ApiClient

CHECK = {"id": 7, "state": "waiting"}


def test_a_check_without_an_answer_is_asked_for_again() -> None:
    """The second request has the key of the first one, so that one check is made."""
    keys: list[str | None] = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            status, answer = (503, {"detail": "later"}) if len(keys) == 1 else (202, CHECK)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            client = ApiClient(f"http://127.0.0.1:{server.server_port}")
            assert client.start_check("acme", {"dry_run": True}) == CHECK
        finally:
            server.shutdown()
            thread.join()
    assert len(keys) == 2
    assert keys[0]
    assert keys[0] == keys[1]
