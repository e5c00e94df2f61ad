"""The parts that all doubles have in common: a server, its requests, and the answers to them."""

import json
import threading
from abc import ABC, abstractmethod
from base64 import b64encode
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

SECRETS = defaultdict(
    lambda: "s3cret-Value",
    account_sid="AC" + "0123456789abcdef" * 2,
    access_key="AKIDEXAMPLE",
    secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    phone_number_id="106540352242922",
    service_plan_id="a0b1c2d3e4f5",
    application_id="7fc9698a-b04a-468b-9e8f-91238c0d0086",
    account_id="5500012",
    auth_id="MAXXXXXXXXXXXXXXXXXX",
    username="shop",
    password="shop-pw",
    public_key="ZlZ3bGFxUnVZbWU2M3FqZ3Z1QXlXVGRLd2hYdFNFaWo=",
)
"""Values that tests enter for the secrets of the pages, by name."""


class Request(NamedTuple):
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def signed_in(self, authorization: str) -> bool:
        """Return whether the header Authorization is this, and the method POST."""
        return self.headers.get("authorization") == authorization and self.method == "POST"

    def is_form(self) -> bool:
        return self.headers.get("content-type") == "application/x-www-form-urlencoded"

    def is_json(self) -> bool:
        kind = self.headers.get("content-type", "").partition(";")[0]
        return kind == "application/json"

    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, True, True))

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("ascii"), True, True))

    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)


class Answer(NamedTuple):
    """An answer; without a body where `content` is None."""

    status: int
    content: object = None
    """Text, or what is written as JSON."""
    headers: Mapping[str, str] = {}

    def body(self) -> bytes:
        if self.content is None:
            return b""
        if isinstance(self.content, str):
            return self.content.encode()
        return json.dumps(self.content).encode()


class Sent(NamedTuple):
    """A message as the gateway understood it."""

    phone: str
    """Digits."""
    text: str
    sender: str


class Reported(NamedTuple):
    """Callback that a request asks the gateway for."""

    url: str = ""
    """The callback URL of the message."""
    reference: str = ""
    """The text that comes back."""


class Scripted(NamedTuple):
    """An answer that a test asks for: the status, and the gateway's code where it has one."""

    status: int
    code: str = ""


SILENCE = Scripted(0)
"""The request is taken, and no answer comes."""
EMPTY = Scripted(200, "{}")
"""JSON without anything in it."""
PAGE = "<html><body>please log in</body></html>"
"""Answer that a server on the way may give with any status."""


class Vendor(ABC):
    """A gateway: the checks of its requests, and its answers."""

    path: str
    """Of the only resource."""
    takes_callbacks = False
    """Requests have to have callback URLs; otherwise they must have none."""

    def of_callbacks(self, *fields: str) -> set[str]:
        """Return fields about a callback URL, where requests have to have them."""
        return set(fields) if self.takes_callbacks else set()

    def reported(self, _: Request) -> Reported:
        """Return what the request asks the gateway to report with."""
        return Reported()

    @abstractmethod
    def wrong(self, request: Request) -> Answer | None:
        """Return the answer to a request that the gateway's documents do not allow."""

    def known(self, _: Request) -> Answer | None:
        """Return the answer that a request has had before, where the gateway gives it again."""
        return None

    @abstractmethod
    def read(self, request: Request) -> Sent:
        """Return the message of a request that is not wrong."""

    @abstractmethod
    def accept(self, request: Request, number: int) -> Answer:
        """Return the answer to a message that is taken, the `number`th."""

    @abstractmethod
    def refuse(self, scripted: Scripted) -> Answer:
        """Return an answer with this status and code in the gateway's form."""


class VendorServer:
    """A running double; `sent` has the messages that it took."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.requests: list[Request] = []
        self.sent: list[Sent] = []
        self.wrong: list[Answer] = []
        self._scripts: dict[str, deque[Scripted]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def script(self, phone: str, *answers: Scripted) -> None:
        """Answer the next requests for a phone number like this, those after them as usual."""
        with self._lock:
            self._scripts[phone].extend(answers)

    def answer(self, request: Request) -> Answer | None:
        """Take one request, and return the answer to it; None is silence."""
        with self._lock:
            self.requests.append(request)
            if (wrong := self.vendor.wrong(request)) is not None:
                self.wrong.append(wrong)
                return wrong
            if (known := self.vendor.known(request)) is not None:
                return known
            message = self.vendor.read(request)
            if script := self._scripts[message.phone]:
                scripted = script.popleft()
                return None if scripted == SILENCE else scripted_answer(self.vendor, scripted)
            self.sent.append(message)
            return self.vendor.accept(request, len(self.sent))

    def wait_for_the_end(self) -> None:
        self._released.wait()

    @contextmanager
    def running(self) -> Iterator["VendorServer"]:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            self._released.set()
            self._server.shutdown()
            self._server.server_close()


def _handler_of(server: VendorServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            answer = server.answer(Request(self.command, self.path, headers, body))
            if answer is None:
                server.wait_for_the_end()
                self.close_connection = True
                return
            content = answer.body()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    return Handler


def scripted_answer(vendor: Vendor, scripted: Scripted) -> Answer:
    """Return the answer that a test asks for."""
    return Answer(200, {}) if scripted == EMPTY else vendor.refuse(scripted)


def first_wrong(*checks: tuple[bool, Answer]) -> Answer | None:
    """Return the answer of the first check that does not hold."""
    return next((answer for holds, answer in checks if not holds), None)


def basic(user: str, password: str) -> str:
    """Return the header Authorization of HTTP Basic with two of `SECRETS`."""
    return f"Basic {b64encode(f'{SECRETS[user]}:{SECRETS[password]}'.encode()).decode()}"
