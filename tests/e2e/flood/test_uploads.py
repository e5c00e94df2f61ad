"""Slow uploads: the places of one key, and of those who are refused."""

from benchmarks.flood.requests import head, upload
from benchmarks.flood.script import Script
from tests.e2e.flood.scene import Scene

ANNOUNCED = 1_000_000_000
LINE = b"Ann,13961467500\n"


def test_slow_uploads_of_one_key_leave_places_to_others(scene: Scene) -> None:
    """The well-behaved clients beside them upload with another key."""
    begin = upload(ANNOUNCED, scene.keys.writer) + b"name,phone\n"
    outcome = scene.stands(
        Script(clients=200, first=begin, rest=LINE, pause=0.5, again=True), rounds=6
    )
    assert outcome.answers.get(429, 0) > 0


def test_refused_uploads_that_trickle_hold_no_place(scene: Scene) -> None:
    keys = scene.keys
    refused = (
        upload(ANNOUNCED),
        upload(ANNOUNCED, keys.reader),
        upload(ANNOUNCED, keys.writer, "Content-Encoding: gzip"),
        head(
            "POST /v1/recipient-lists?nonsense=1",
            "Content-Type: text/csv",
            f"Content-Length: {ANNOUNCED}",
            key=keys.writer,
        ),
        head(
            "POST /v1/recipient-lists",
            "Content-Type: text/csv",
            f"Content-Length: {2**40}",
            key=keys.writer,
        ),
        upload(ANNOUNCED, keys.writer) + b"\0\0\0\0\xff" * 100 + b"\n",
    )
    outcome = scene.stands(
        *(Script(clients=30, first=begin, rest=LINE, pause=0.045, again=True) for begin in refused),
        rounds=6,
    )
    assert set(outcome.answers) <= {400, 401, 403, 408, 413, 415, 422, 429}
