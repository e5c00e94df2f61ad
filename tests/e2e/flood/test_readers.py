"""Clients that do not read their answers, or slowly."""

import pytest

from benchmarks.flood.requests import head
from benchmarks.flood.script import Script
from tests.e2e.flood.scene import Scene

SMALL = 4_096
"""Bytes that the system takes for a client; what it does not is left with the API."""

PAGE = head("GET /docs/swagger-ui-bundle.js")
HEALTH = head("GET /healthz")


@pytest.mark.parametrize("reads", [0, 64])
def test_slow_readers_of_exports_keep_nobody_waiting(scene: Scene, reads: int) -> None:
    path = f"/v1/recipient-lists/{scene.stored.rejects}/rejects.csv"
    export = head(f"GET {path}", key=scene.keys.reader)
    scene.stands(
        Script(
            clients=200, first=export, reads=reads, pause=0.045, receive_buffer=SMALL, again=True
        ),
        rounds=4,
    )


def test_slow_readers_without_a_key_hold_no_memory(scene: Scene) -> None:
    scene.stands(
        Script(clients=1_600, first=PAGE, reads=0, receive_buffer=SMALL), rounds=4, seconds=6
    )


@pytest.mark.parametrize("request_", [HEALTH, PAGE], ids=["small answers", "large answers"])
def test_pipelined_requests_whose_answers_are_not_read(scene: Scene, request_: bytes) -> None:
    scene.stands(
        Script(clients=100, rest=request_ * 100, times=100, reads=0, receive_buffer=SMALL),
        rounds=4,
    )


@pytest.mark.parametrize("clients", [2, 50])
def test_pipelined_requests_have_no_worker_to_themselves(scene: Scene, clients: int) -> None:
    """They are read as fast as they come, and so are their answers: nothing ever waits."""
    scene.stands(Script(clients=clients, rest=HEALTH * 500), rounds=4)
