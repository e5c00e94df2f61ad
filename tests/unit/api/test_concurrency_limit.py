"""Places for work that takes long, by kind and by key."""

from collections.abc import Iterator

import pytest
from flask import Flask, Response, g

from campaign_api.errors import TooMany
from campaign_api.web.caller import LOCAL, Caller, Scope
from campaign_api.web.limits import concurrency_limit
from campaign_api.web.limits.concurrency_limit import Places
from campaign_api.web.routing.view_metadata import Work, working

KEY = "4f1c2a7be09d6633"


@pytest.mark.parametrize(
    ("most", "share"),
    [(1, 1), (2, 1), (3, 2), (4, 3), (6, 5), (8, 6), (16, 12)],
    ids=str,
)
def test_one_key_leaves_places_to_others(most: int, share: int) -> None:
    taken = Places(most, "exports")
    for _ in range(share):
        taken.take(KEY)
    with pytest.raises(TooMany):
        taken.take(KEY)
    for _ in range(most - share):
        taken.take("another")
    with pytest.raises(TooMany, match=rf"as many exports as it may be \({most}\)"):
        taken.take("a third")


def test_programs_without_a_key_may_take_all() -> None:
    taken = Places(2, "exports")
    taken.take(LOCAL.key_id)
    taken.take(LOCAL.key_id)
    with pytest.raises(TooMany):
        taken.take(LOCAL.key_id)


def test_a_place_that_is_given_back_is_free() -> None:
    taken = Places(1, "exports")
    for _ in range(3):
        taken.take(KEY)
        taken.give_back(KEY)


@pytest.fixture
def app() -> Flask:
    """An application with one place for exports and one for creations."""
    app = Flask(__name__)

    @app.before_request
    def identify() -> None:
        g.caller = Caller(KEY, "me", Scope.READ)

    @app.errorhandler(TooMany)
    def refuse(_: TooMany) -> tuple[str, int]:
        return "", 429

    @app.get("/export")
    @working(Work.EXPORT)
    def export() -> Response:
        def pieces() -> Iterator[str]:
            yield "a"
            yield "b"

        return Response(pieces())

    @app.get("/creation")
    @working(Work.CREATION)
    def creation() -> str:
        raise ZeroDivisionError

    concurrency_limit.register(app, {Work.EXPORT: 1, Work.CREATION: 1})
    return app


def test_a_stream_holds_its_place_until_it_is_closed(app: Flask) -> None:
    client = app.test_client()
    streaming = client.get("/export", buffered=False)
    assert client.get("/export").status_code == 429
    streaming.close()
    assert client.get("/export").text == "ab"


def test_a_view_that_fails_gives_its_place_back(app: Flask) -> None:
    assert [app.test_client().get("/creation").status_code for _ in range(3)] == [500] * 3
