"""The middleware between greenlets and threads: bodies, parts of answers, failures."""

import io
import threading
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from flask import Response, abort, request

from campaign_api.serving.connections import NoRoom, Phase
from campaign_api.serving.request_body import RequestBody
from campaign_api.serving.threaded import ApplicationFailed, Threaded, TooMuchWork
from campaign_api.web.routing.application import Application
from campaign_api.web.routing.view_metadata import IdempotencyMode, idempotent


class Connection:
    """Notes what a connection is told."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self.keeps_pace = False

    def move(self, phase: Phase) -> None:
        self.phases.append(phase)

    def end_after(self, seconds: float) -> None:
        assert seconds > 0

    def keep_pace(self) -> None:
        self.keeps_pace = True


class Body(RequestBody):
    """A body that is on its way, without a request of gunicorn."""

    is_at_hand = False

    def __init__(self, content: bytes = b"", error: Exception | None = None) -> None:
        self.connection = Connection()  # type: ignore[assignment]
        self.length = len(content)
        self.is_complete = False
        self.is_chunked = False
        self.reads = 0
        self.is_discarded = False
        self._content = io.BytesIO(content)
        self._error = error

    def invite(self) -> None:
        pass

    def discard(self) -> None:
        self.is_discarded = True

    def read(self, size: int = -1, /) -> bytes:
        self.reads += 1
        if self._error is not None:
            raise self._error
        block = self._content.read(size)
        self.is_complete = self._content.tell() >= self.length
        return block


@pytest.fixture
def app() -> Application:
    app = Application(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 10

    @app.before_request
    def admit() -> None:
        if "HTTP_AUTHORIZATION" not in request.environ:
            abort(401)

    @app.post("/whole")
    def whole() -> bytes:
        return request.get_data() + threading.current_thread().name.encode()

    @app.post("/stream")
    @idempotent(IdempotencyMode.STREAMED)
    def stream() -> bytes:
        return request.environ["wsgi.input"].read()  # type: ignore[no-any-return]

    @app.get("/parts")
    def parts() -> Response:
        def pieces() -> Iterator[bytes]:
            yield b"x" * 300_000
            yield b"y"

        return Response(pieces())

    @app.get("/broken")
    def broken() -> Response:
        def pieces() -> Iterator[bytes]:
            yield b"x" * 300_000
            raise TimeoutError

        return Response(pieces())

    return app


@pytest.fixture
def threaded(app: Application) -> Threaded:
    return Threaded(app, threads=2, most_waiting=2)


def ask(
    threaded: Threaded, path: str, body: Body | None = None, *, key: bool = True
) -> tuple[str, list[bytes]]:
    """Return the status, and the parts of the answer."""
    if body is None:
        body = Body()
        body.is_complete = True
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET" if body.is_complete else "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "1",
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "CONTENT_LENGTH": str(body.length),
    }
    if key:
        environ["HTTP_AUTHORIZATION"] = "Bearer it"
    statuses: list[str] = []
    answer = threaded(environ, lambda status, _headers: statuses.append(status))
    try:
        parts = list(answer)
    finally:
        answer.close()
    return statuses[0], parts


def test_a_body_is_collected_and_the_view_runs_in_a_thread(threaded: Threaded) -> None:
    body = Body(b"abc")
    status, (part,) = ask(threaded, "/whole", body)
    assert status == "200 OK"
    assert part.startswith(b"abc")
    assert part != b"abc" + threading.current_thread().name.encode()
    assert body.connection.phases == [Phase.BODY, Phase.WORKING]


@pytest.mark.parametrize("path", ["/whole", "/stream"])
def test_a_body_that_came_with_its_header_needs_one_thread(
    app: Application, threaded: Threaded, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admitted: list[object] = []
    monkeypatch.setattr(app, "admit", admitted.append)
    body = Body(b"abc")
    body.is_at_hand = True
    status, (part,) = ask(threaded, path, body)
    assert (status, part[:3], admitted) == ("200 OK", b"abc", [])


def test_one_that_came_without_a_key_is_refused(threaded: Threaded) -> None:
    body = Body(b"abc")
    body.is_at_hand = True
    assert ask(threaded, "/whole", body, key=False)[0] == "401 UNAUTHORIZED"


@pytest.mark.parametrize(
    ("path", "key", "length", "status"),
    [
        pytest.param("/whole", False, 3, "401 UNAUTHORIZED", id="without a key"),
        pytest.param("/none", True, 3, "404 NOT FOUND", id="for no route"),
        pytest.param("/parts", True, 3, "405 METHOD NOT ALLOWED", id="of another method"),
        pytest.param("/whole", True, 11, "413 REQUEST ENTITY TOO LARGE", id="announced too large"),
    ],
)
def test_no_body_is_read(
    threaded: Threaded, path: str, key: bool, length: int, status: str
) -> None:
    body = Body(b"x" * length)
    assert ask(threaded, path, body, key=key)[0] == status
    assert body.reads == 0


def test_a_streamed_body_is_left_to_its_view(threaded: Threaded) -> None:
    body = Body(b"x" * 100)
    assert ask(threaded, "/stream", body)[1] == [b"x" * 100]
    assert body.connection.keeps_pace
    assert body.connection.phases == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(TimeoutError(), "400 BAD REQUEST", id="late"),
        pytest.param(NoRoom(), "503 SERVICE UNAVAILABLE", id="beyond the memory"),
    ],
)
def test_a_body_that_does_not_arrive_is_an_answer(
    threaded: Threaded, error: Exception, status: str
) -> None:
    body = Body(b"abc", error)
    assert ask(threaded, "/whole", body)[0] == status
    assert body.is_discarded


def test_an_answer_comes_in_parts(threaded: Threaded) -> None:
    assert [len(part) for part in ask(threaded, "/parts")[1]] == [300_000, 1]


def test_a_failure_of_the_application_is_none_of_the_client(threaded: Threaded) -> None:
    with pytest.raises(ApplicationFailed):
        ask(threaded, "/broken")


def test_more_work_than_may_wait_is_refused(app: Application) -> None:
    with pytest.raises(TooMuchWork):
        ask(Threaded(app, threads=1, most_waiting=-1), "/parts")


def test_a_flood_of_links_leaves_the_threads_of_strangers_free(app: Application) -> None:
    free = threading.Event()
    app.add_url_rule("/u/x", view_func=lambda: str(free.wait(30)))
    app.recognise = lambda _: None
    threaded = Threaded(app, threads=1, most_waiting=100)
    flood = [gevent.spawn(ask, threaded, "/u/x") for _ in range(20)]
    try:
        with gevent.Timeout(10):
            gevent.sleep(0)
            assert ask(threaded, "/parts")[0] == "200 OK"
    finally:
        free.set()
        gevent.joinall(flood)
    assert {one.value[0] for one in flood} == {"200 OK"}


def test_an_admitted_request_that_is_given_up_ends(app: Application, threaded: Threaded) -> None:
    """At once, and not when a thread is free: until then it would keep what has arrived."""
    ended = []
    app.teardown_request(lambda _: ended.append(threading.current_thread()))
    body = Body(b"abc", KeyboardInterrupt())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        ask(threaded, "/whole", body)
    assert ended == [threading.current_thread()]
    assert body.is_discarded
