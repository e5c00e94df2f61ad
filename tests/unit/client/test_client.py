"""The client against a small HTTP server."""

import base64
import io
import json
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from campaign_client import (
    Client,
    ClientMisconfigured,
    NotTheApi,
    ProblemNotAllowed,
    ProblemNotFound,
    ProblemOutside,
    ProblemRefused,
    ServiceUnreachable,
    WaitedTooLong,
    WebhookRejected,
    verify_webhook,
)
from campaign_client.errors import problem_of

REPOSITORY = Path(__file__).parents[3]
Answer = tuple[int, dict[str, str], bytes]


def answer(status: int, body: object, **headers: str) -> Answer:
    return status, {n.replace("_", "-"): v for n, v in headers.items()}, json.dumps(body).encode()


class Received:
    """A request as the server saw it."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.path = handler.path
        self.headers = handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))


@contextmanager
def serving(*answers: Answer) -> Iterator[tuple[str, list[Received]]]:
    """Serve answers in their order, the last one for ever more."""
    left, received = list(answers), list[Received]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received.append(Received(self))
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "url",
    ["nonsense", "ftp://x", "http://", "http://h:99999", "http://u:p@h", "http://h/?a", "h:1", ""],
)
def test_what_is_no_url_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(ClientMisconfigured) as refused:
        Client(url)
    assert "\n" not in str(refused.value)


def test_a_key_loses_its_newline_and_is_never_shown() -> None:
    with serving(answer(200, {})) as (url, received):
        Client(f"{url}/", "k_1\n").get("/v1/stats")
        assert received[0].headers["Authorization"] == "Bearer k_1"
        assert received[0].path == "/v1/stats"
    with pytest.raises(ClientMisconfigured) as refused:
        Client("http://h", "secret\nother")
    assert "secret" not in str(refused.value)


def test_429_and_503_are_waited_for_under_one_key() -> None:
    later = answer(429, {"detail": "slow down"}, Retry_After="0")
    away = answer(503, {"detail": "away"}, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
    said: list[str] = []
    with serving(later, away, answer(201, {"id": 7})) as (url, received):
        client = Client(url, on_wait=said.append)
        assert client.create_campaign({"name": "n"}) == {"id": 7}
        assert said == [f"{url} answers 429; it is asked again for 60 s"]
    keys = [one.headers["Idempotency-Key"] for one in received]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert keys[0]


def test_patience_ends() -> None:
    with serving(answer(429, {"detail": "slow down"}, Retry_After="60")) as (url, received):
        with pytest.raises(ProblemOutside, match="slow down"):
            Client(url, patience=5).get("/")
        assert len(received) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ProblemRefused),
        (401, ProblemNotAllowed),
        (403, ProblemNotAllowed),
        (404, ProblemNotFound),
        (409, ProblemRefused),
        (412, ProblemRefused),
        (422, ProblemRefused),
        (429, ProblemOutside),
        (500, ProblemOutside),
    ],
)
def test_problem_documents_are_typed(status: int, error: type[Exception]) -> None:
    problem = problem_of(status, {"detail": "said"})
    assert type(problem) is error
    assert (str(problem), problem.status, problem.problem) == ("said", status, {"detail": "said"})


@pytest.mark.parametrize(
    "other",
    [(200, {}, b"<html>"), answer(200, [1]), answer(302, {}, Location="http://127.0.0.1:1/")],
    ids=["html", "array", "redirect"],
)
def test_what_is_not_the_api_is_told_apart(other: Answer) -> None:
    with serving(other) as (url, _), pytest.raises(NotTheApi):
        Client(url, "key").get("/")


def test_nothing_that_answers_is_told_at_once() -> None:
    with pytest.raises(ServiceUnreachable, match="is campaign-api running"):
        Client("http://127.0.0.1:1").get("/")


def test_an_answer_that_breaks_off_is_told() -> None:
    half = (200, {"Content-Length": "99"}, b"half")
    with serving(half) as (url, _), pytest.raises(ServiceUnreachable):
        list(Client(url).export("/v1/campaigns/1/messages.csv"))


def test_an_upload_is_sent_again_from_its_start() -> None:
    told: list[tuple[int, int]] = []
    content = b"phone\n" + b"4917612345678\n" * 10_000
    later = answer(429, {}, Retry_After="0")
    with serving(later, answer(201, {"id": 1})) as (url, received):
        Client(url).upload_list(io.BytesIO(content), lambda *n: told.append(n), name="a b")
    assert [one.body for one in received] == [content, content]
    assert received[1].path == "/v1/recipient-lists?name=a+b"
    assert received[1].headers["Content-Type"] == "text/csv"
    assert max(told) == (len(content), len(content))


def test_pages_are_read_one_after_the_other() -> None:
    first = answer(200, {"campaigns": [{"id": 2}], "next_cursor": "c"})
    last = answer(200, {"campaigns": [{"id": 1}], "next_cursor": None})
    with serving(first, last) as (url, received):
        assert [one["id"] for one in Client(url).campaigns(state="draft")] == [2, 1]
    assert received[1].path == "/v1/campaigns?limit=100&state=draft&cursor=c"


def test_waiting_ends_with_the_state_or_the_time() -> None:
    running, over = answer(200, {"state": "running"}), answer(200, {"state": "finished"})
    with serving(running, over) as (url, _):
        assert Client(url).wait(1)["state"] == "finished"
    with serving(running) as (url, _), pytest.raises(WaitedTooLong):
        Client(url).wait(1, timeout=0)


def test_a_webhook_is_verified_by_either_secret() -> None:
    old, new = (f"whsec_{base64.b64encode(text * 24).decode()}" for text in (b"o", b"n"))
    body, now = '{"type": "campaign.finished"}', datetime.now(UTC)
    headers = {
        "Webhook-Id": "e1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(new).sign("e1", now, body),
    }
    assert verify_webhook([old, new], headers, body.encode()) == {"type": "campaign.finished"}
    with pytest.raises(WebhookRejected):
        verify_webhook([old], headers, body.encode())
    with pytest.raises(WebhookRejected):
        verify_webhook([new], headers, b'{"type": "campaign.failed"}')


def test_both_distributions_of_the_client_agree() -> None:
    whole = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    alone = tomllib.loads((REPOSITORY / "libs/client/pyproject.toml").read_text())["project"]
    assert alone["version"] == whole["version"]
    extras = alone["optional-dependencies"]["webhooks"]
    assert alone["dependencies"] + extras == whole["optional-dependencies"]["client"]
    assert set(alone["dependencies"]) <= set(whole["optional-dependencies"]["admin"])
