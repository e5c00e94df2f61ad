"""Headers that come to no end: halves, trickles, and as many bytes as a server will hold."""

import pytest

from benchmarks.flood.requests import post
from benchmarks.flood.script import Script
from tests.e2e.flood.scene import Scene

BEGIN = post("/v1/camp/create")[:-2]
MANY = 1_560


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(clients=MANY, first=BEGIN, again=True), id="half"),
        pytest.param(
            Script(clients=MANY, first=BEGIN + b"A: " + b"x" * 8_000 + b"\r\n", again=True),
            id="half, of 8 kB",
        ),
        pytest.param(
            Script(clients=MANY, first=BEGIN, rest=b"A: " + b"x" * 8_000 + b"\r\n", times=7),
            id="half, of 56 kB",
        ),
        pytest.param(
            Script(clients=200, first=BEGIN, rest=b"A: " + b"x" * 8_000 + b"\r\n", times=1_000),
            id="endless, of long lines",
        ),
        pytest.param(
            Script(clients=200, first=BEGIN, rest=b"A: b\r\n" * 10_000, times=100),
            id="endless, of short lines",
        ),
        pytest.param(
            Script(clients=200, first=BEGIN + b"A: ", rest=b"x" * 65_536, times=100),
            id="endless, of one line",
        ),
        pytest.param(
            Script(clients=200, first=b"GET /", rest=b"x" * 65_536, times=100),
            id="endless target",
        ),
        pytest.param(
            Script(clients=200, first=b"\r\n", rest=b"\r\n" * 10_000, times=100),
            id="endless empty lines",
        ),
    ],
)
def test_headers_without_an_end_harm_nobody(scene: Scene, script: Script) -> None:
    scene.stands(script)
