"""Floods of one provider's callbacks: everything else is answered, those of others too.

`Scene.serve` asks for a callback of another provider beside everything of the API.
"""

import pytest

from benchmarks.flood.requests import filled
from benchmarks.flood.script import Script
from tests.e2e.callbacks.gateways import SIGNED, Sent, infobip, result
from tests.e2e.flood.scene import Scene

PATH = f"/v1/callbacks/{SIGNED}"
BODY = 262_000
REPORTS = infobip([result(Sent(1, seq)) for seq in range(100)])
"""Signed reports about a campaign that there is not."""

TRICKLE = 0.05


def announced(*lines: str) -> bytes:
    return "\r\n".join([f"POST {PATH} HTTP/1.1", "Host: a", *lines, "", ""]).encode()


FLOODS = {
    "bodies without their last byte": Script(
        clients=800,
        first=announced(f"Content-Length: {BODY}"),
        rest=b" " * (BODY - 1),
        times=1,
        again=True,
    ),
    "bodies a byte at a time": Script(
        clients=600,
        first=announced(f"Content-Length: {BODY}"),
        rest=b" ",
        pause=TRICKLE,
        again=True,
    ),
    "endless bodies in chunks": Script(
        clients=100,
        first=announced("Transfer-Encoding: chunked"),
        rest=filled(b"400\r\n" + b" " * 1_024 + b"\r\n"),
        again=True,
    ),
    "whole bodies without a signature": Script(
        clients=100,
        rest=announced(f"Content-Length: {BODY}") + b" " * BODY,
        pause=TRICKLE,
        again=True,
    ),
    "requests without a signature": Script(
        clients=200, rest=announced("Content-Length: 2") + b"{}", pause=TRICKLE, again=True
    ),
    "signed reports": Script(clients=50, rest=REPORTS.raw(), pause=TRICKLE, again=True),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_of_callbacks_harm_nobody(scene: Scene, flood: str) -> None:
    scene.stands(FLOODS[flood], rounds=3)


def test_all_floods_of_callbacks_together_harm_nobody(scene: Scene) -> None:
    scene.stands(*FLOODS.values(), rounds=4, seconds=6)
