"""What arrives a byte each 45 ms: never silent, and not to be waited for without an end."""

from collections.abc import Iterator

from benchmarks.flood.requests import announced, chunked, head, upload
from benchmarks.flood.script import Script
from tests.e2e.flood.scene import Scene

PAUSE = 0.045
"""Seconds between two bytes."""

ANNOUNCED = 200_000
"""Bytes of a body: two and a half hours."""

GIGABYTE = 10**9


def trickles(scene: Scene) -> Iterator[tuple[bytes, bytes]]:
    """Tell what is sent at once, and what each 45 ms."""
    keys = scene.keys
    preview = f"/v1/campaigns/{scene.stored.campaign}/preview"
    yield b"", b"G"
    yield head("GET /healthz")[:-2], b"A"
    yield head("GET /healthz")[:-2], b"A: b\r\n"
    yield head("GET /healthz", f"Content-Length: {ANNOUNCED}"), b" "
    for key in (None, keys.reader, keys.writer):
        for path in ("/v1/campaigns", preview, "/v1/camp/create"):
            yield announced(path, ANNOUNCED, key) + b"{", b" "
        yield chunked(preview, key), b"1\r\n \r\n"
        yield chunked(preview, key) + b"1;", b"a"
        yield chunked(preview, key) + b"1\r\n \r\n0\r\n", b"A: b\r\n"
        yield upload(GIGABYTE, key), b"x"


def test_what_trickles_is_given_up(scene: Scene) -> None:
    """There are 80 of each, more than threads: whoever waits for silence serves nobody else."""
    outcome = scene.outlasts(
        *(
            Script(clients=80, first=first, rest=rest, pause=PAUSE)
            for first, rest in trickles(scene)
        )
    )
    assert set(outcome.answers) <= {0, 200, 400, 401, 403, 408, 429}
