"""Every flood at once."""

import pytest

from benchmarks.flood.requests import (
    ALMOST_A_BODY,
    announced,
    chunked,
    filled,
    head,
    upload,
)
from benchmarks.flood.script import Script
from campaign_common.api_key import ApiKey
from tests.e2e.flood.scene import Scene

EXPORTED = 4_096


def everything(scene: Scene, key: ApiKey | None) -> tuple[Script, ...]:
    export = head(f"GET /v1/campaigns/{scene.stored.large_campaign}/messages.csv", key=key)
    rejects = head(f"GET /v1/recipient-lists/{scene.stored.rejects}/rejects.csv", key=key)
    slow = upload(10**9, scene.keys.writer if key else None) + b"name,phone\n"
    body = b" " * (ALMOST_A_BODY - 1)
    bytewise = announced(f"/v1/campaigns/{scene.stored.campaign}/preview", 200_000, key)
    return (
        Script(clients=400, again=True, rest=b"G", pause=0.5, on_beat=True),
        Script(clients=200, first=bytewise[:60], again=True),
        Script(clients=80, first=bytewise, rest=b" ", pause=0.045, again=True),
        Script(
            clients=100, first=announced("/v1/camp/create", ALMOST_A_BODY, key), rest=body, times=1
        ),
        Script(clients=8, first=chunked("/v1/campaigns", key), rest=filled(b"1\r\n \r\n"), pause=0.01),
        Script(
            clients=8, first=chunked("/v1/campaigns", key) + b"1;", rest=filled(b"a"), pause=0.01
        ),
        Script(
            clients=8,
            first=chunked("/v1/campaigns", key) + b"0\r\n",
            rest=filled(b"A: b\r\n"),
            pause=0.01,
        ),
        Script(clients=100, first=rejects, reads=0, receive_buffer=EXPORTED),
        Script(clients=50, first=export, again=True),
        Script(clients=100, first=slow, rest=b"Ann,13961467500\n", pause=0.045, again=True),
        Script(clients=20, rest=head("GET /healthz") * 20, pause=0.05, reads=0),
        Script(clients=100, first=head("GET /healthz"), half_closes=True, again=True),
        Script(clients=50, first=head("GET /healthz"), resets=True, again=True),
    )


@pytest.mark.parametrize("has_key", [False, True], ids=["without a key", "with keys"])
def test_all_floods_together_harm_nobody(scene: Scene, has_key: bool) -> None:
    scene.stands(*everything(scene, scene.keys.reader if has_key else None), rounds=8)
