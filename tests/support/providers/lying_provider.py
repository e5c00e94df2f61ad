"""An OpenID provider that says what a test tells it: tokens of others, late, or none at all."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "camp-mgr"


class LyingProvider:
    """A provider whose answers are attributes."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.published = [self.key.as_dict(private=False)]
        self.discovery: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
        }
        self.tokens: dict[str, Any] = {}
        self.user_info: dict[str, Any] = {}
        self.challenge = ""
        self.delay = 0.0
        self.asked: list[str] = []

    def claims(self, nonce: str, /, **changes: object) -> dict[str, Any]:
        now = int(time.time())
        made = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "ann",
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            "groups": ["editors"],
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def signed(self, claims: dict[str, Any], key: Any = None, **header: str) -> str:  # noqa: ANN401
        described = {"alg": "RS256", "kid": "one", **header}
        return jwt.encode(described, claims, key or self.key, algorithms=[described["alg"]])

    def answer(self, path: str, body: str) -> tuple[int, Any]:
        self.asked.append(path)
        time.sleep(self.delay)
        if path == "/.well-known/openid-configuration":
            return 200, self.discovery
        if path == "/jwks":
            return 200, {"keys": self.published}
        if path == "/userinfo":
            return 200, self.user_info
        (verifier,) = parse_qs(body)["code_verifier"]
        digest = sha256(verifier.encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != self.challenge:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", **self.tokens}


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond("")

        def do_POST(self) -> None:
            self._respond(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _respond(self, body: str) -> None:
            status, content = provider.answer(self.path, body)
            payload = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = LyingProvider(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
