"""Bodies that stop just before their end, and that come to no end."""

import pytest

from benchmarks.flood.requests import ALMOST_A_BODY, announced, chunked, filled, head, upload
from benchmarks.flood.script import Script
from tests.e2e.flood.scene import Scene


@pytest.mark.parametrize(
    ("whose", "path"),
    [
        (None, "/v1/camp/create"),
        ("reader", "/v1/campaigns/{}/preview"),
        ("writer", "/v1/campaigns"),
    ],
)
def test_bodies_without_their_last_byte_hold_no_memory(
    scene: Scene, whose: str | None, path: str
) -> None:
    """Nor do they keep the bodies of others from being read."""
    key = None if whose is None else getattr(scene.keys, whose)
    begin = announced(path.format(scene.stored.campaign), ALMOST_A_BODY, key)
    body = b" " * (ALMOST_A_BODY - 1)
    scene.stands(Script(clients=1_560, first=begin, rest=body, times=1), rounds=4)


@pytest.mark.parametrize("begin", [b"1;", b"1\r\n \r\n0\r\nA: "], ids=["extensions", "trailers"])
def test_framing_of_many_bodies_holds_no_memory(scene: Scene, begin: bytes) -> None:
    first = chunked(f"/v1/campaigns/{scene.stored.campaign}/preview", scene.keys.reader) + begin
    scene.stands(Script(clients=1_200, first=first, rest=b"a" * 50_000, times=11), rounds=6)


ENDLESS = {
    "chunks": filled(b"400\r\n" + b" " * 1_024 + b"\r\n"),
    "small chunks": filled(b"1\r\n \r\n"),
    "a chunk": b"fffffff\r\n" + filled(b" "),
    "a chunk's extension": b"1;" + filled(b"a"),
    "chunks' extensions": filled(b"1;" + b"a" * 1_000 + b"\r\n \r\n"),
    "a chunk's size": filled(b"0"),
    "trailers": b"0\r\n" + filled(b"A: b\r\n"),
    "a trailer": b"0\r\nA: " + filled(b"b"),
}
"""The first piece of each begins it; the others go on with what it has begun."""


def endless(what: str) -> tuple[bytes, bytes]:
    whole = ENDLESS[what]
    begins = {"a chunk": 9, "a chunk's extension": 2, "trailers": 3, "a trailer": 6}
    cut = begins.get(what, 0)
    return whole[:cut], whole[cut:]


@pytest.mark.parametrize("what", ENDLESS)
def test_endless_chunked_bodies_hold_no_memory(scene: Scene, what: str) -> None:
    begin, rest = endless(what)
    preview = f"/v1/campaigns/{scene.stored.campaign}/preview"
    asked = [head("GET /healthz", "Transfer-Encoding: chunked")] + [
        chunked(path, key)
        for path in ("/v1/camp/create", preview)
        for key in (None, scene.keys.reader, scene.keys.writer)
    ]
    scene.stands(
        *(Script(clients=6, first=header + begin, rest=rest, times=400) for header in asked),
        seconds=3,
    )


def test_bodies_larger_than_allowed_are_not_read(scene: Scene) -> None:
    begin = announced("/v1/campaigns", 2**40, scene.keys.writer)
    outcome = scene.stands(Script(clients=24, first=begin, rest=filled(b" "), times=400))
    assert outcome.answers == {413: 24}


def test_bodies_of_requests_that_take_none_are_not_kept(scene: Scene) -> None:
    begin = head("GET /healthz", f"Content-Length: {2**40}")
    scene.stands(Script(clients=24, first=begin, rest=filled(b" "), times=400))


def test_uploads_without_a_key_are_not_read(scene: Scene) -> None:
    begin = upload(2**40)
    outcome = scene.stands(Script(clients=24, first=begin, rest=filled(b"Ann,1\n"), times=400))
    assert outcome.answers == {401: 24}
