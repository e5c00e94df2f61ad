"""Connections: more of them than the API holds, and in every state that one can be left in."""

import pytest

from benchmarks.flood.requests import head
from benchmarks.flood.script import Script
from tests.e2e.flood.scene import Scene

MANY = 1_600
"""The connections that both workers hold together."""

BEAT = 0.2
"""Seconds."""

HEALTH = head("GET /healthz", "Connection: close")


def test_new_connections_take_the_places_of_the_oldest(scene: Scene) -> None:
    """All of them send a byte while the oldest are given up."""
    outcome = scene.stands(
        Script(clients=MANY, rest=b"G", pause=BEAT, on_beat=True, again=True),
        Script(clients=200, first=HEALTH, pause=BEAT, on_beat=True, again=True),
        rounds=12,
    )
    assert outcome.answers[200] >= 200


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(clients=MANY, half_closes=True, again=True), id="half-closed at once"),
        pytest.param(
            Script(clients=MANY, first=HEALTH[:20], half_closes=True, again=True),
            id="half-closed in the middle of a header",
        ),
        pytest.param(Script(clients=300, resets=True, again=True), id="reset at once"),
        pytest.param(
            Script(clients=300, first=HEALTH[:20], resets=True, again=True),
            id="reset in the middle of a header",
        ),
        pytest.param(
            Script(clients=300, first=HEALTH, resets=True, again=True), id="reset before an answer"
        ),
    ],
)
def test_connections_that_end_in_odd_ways_harm_nobody(scene: Scene, script: Script) -> None:
    scene.stands(script, rounds=4)


def test_half_closed_after_a_request_it_is_answered(scene: Scene) -> None:
    outcome = scene.outlasts(Script(clients=400, first=HEALTH, times=0, half_closes=True))
    assert outcome.answers == {200: 400}
