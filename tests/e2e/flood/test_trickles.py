"""Requests that arrive a byte at a time: never silent, and not to be waited for without an end."""

from collections.abc import Iterator

from benchmarks.flood.requests import announced, chunked, head, post, upload
from benchmarks.flood.script import Script
from tests.e2e.flood.scene import Scene

PAUSE = 0.045
"""Seconds between two bytes."""

LONGER = 0.25
"""The same where many kinds of clients are at it."""

ANNOUNCED = 200_000
"""Bytes of a body: two and a half hours."""

GIGABYTE = 10**9


def trickles(scene: Scene) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is sent at once, and what again and again."""
    keys = scene.keys
    preview = f"/v1/campaigns/{scene.stored.campaign}/preview"
    yield b"", b"G"
    yield head("GET /healthz")[:-2], b"A"
    yield head("GET /healthz")[:-2], b"A: b\r\n"
    yield head("GET /healthz", f"Content-Length: {ANNOUNCED}"), b" "
    for key in (None, keys.reader, keys.writer):
        for path in ("/v1/campaigns", preview, "/v1/camp/create"):
            yield announced(path, ANNOUNCED, key) + b"{", b" "
        yield post(preview, "Content-Length: 9", "Expect: 100-continue", key=key), b""
        yield chunked(preview, key), b"1\r\n \r\n"
        yield chunked(preview, key) + b"1;", b"a"
        yield chunked(preview, key) + b"1\r\n \r\n0\r\n", b"A: b\r\n"
        yield upload(GIGABYTE, key), b"x"


def test_what_trickles_is_given_up(scene: Scene) -> None:
    """The first are more than there are threads: who waits for silence serves nobody else."""
    preview = f"/v1/campaigns/{scene.stored.campaign}/preview"
    slow = announced(preview, ANNOUNCED, scene.keys.reader)
    outcome = scene.outlasts(
        Script(clients=80, first=slow, rest=b" ", pause=PAUSE),
        *(
            Script(clients=20, first=first, rest=rest, pause=LONGER)
            for first, rest in trickles(scene)
        ),
    )
    assert set(outcome.answers) <= {0, 100, 200, 400, 401, 403, 408, 429}
