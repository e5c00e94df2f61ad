"""Concurrency limits by kind of work and by key."""

from collections.abc import Iterator

import pytest
from flask import Flask, Response, g

from campaign_api.errors import TooManyRequests
from campaign_api.web.caller import LOCAL, Caller, Scope
from campaign_api.web.limits import concurrency_limit
from campaign_api.web.limits.concurrency_limit import ConcurrencyLimit
from campaign_api.web.routing.view_metadata import LimitedWork, limited

KEY = "4f1c2a7be09d6633"


@pytest.mark.parametrize(
    ("most", "share"),
    [(1, 1), (2, 1), (3, 2), (4, 3), (6, 5), (8, 6), (16, 12)],
    ids=str,
)
def test_one_key_leaves_room_to_others(most: int, share: int) -> None:
    limit = ConcurrencyLimit(most, "exports")
    for _ in range(share):
        limit.acquire(KEY)
    with pytest.raises(TooManyRequests):
        limit.acquire(KEY)
    for _ in range(most - share):
        limit.acquire("another")
    with pytest.raises(TooManyRequests, match=rf"as many exports as it may be \({most}\)"):
        limit.acquire("a third")


def test_programs_without_a_key_may_use_the_whole_limit() -> None:
    limit = ConcurrencyLimit(2, "exports")
    limit.acquire(LOCAL.key_id)
    limit.acquire(LOCAL.key_id)
    with pytest.raises(TooManyRequests):
        limit.acquire(LOCAL.key_id)


def test_a_released_request_makes_room() -> None:
    limit = ConcurrencyLimit(1, "exports")
    for _ in range(3):
        limit.acquire(KEY)
        limit.release(KEY)


@pytest.fixture
def app() -> Flask:
    """An application with a limit of one export and one creation."""
    app = Flask(__name__)

    @app.before_request
    def identify() -> None:
        g.caller = Caller(KEY, "me", Scope.READ)

    @app.errorhandler(TooManyRequests)
    def refuse(_: TooManyRequests) -> tuple[str, int]:
        return "", 429

    @app.get("/export")
    @limited(LimitedWork.EXPORT)
    def export() -> Response:
        def pieces() -> Iterator[str]:
            yield "a"
            yield "b"

        return Response(pieces())

    @app.get("/creation")
    @limited(LimitedWork.CREATION)
    def creation() -> str:
        raise ZeroDivisionError

    concurrency_limit.register(app, {LimitedWork.EXPORT: 1, LimitedWork.CREATION: 1})
    return app


def test_a_stream_is_active_until_it_is_closed(app: Flask) -> None:
    client = app.test_client()
    streaming = client.get("/export", buffered=False)
    assert client.get("/export").status_code == 429
    streaming.close()
    assert client.get("/export").text == "ab"


def test_a_view_that_fails_is_not_active(app: Flask) -> None:
    assert [app.test_client().get("/creation").status_code for _ in range(3)] == [500] * 3
