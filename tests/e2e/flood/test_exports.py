"""Many exports at once: some are written, the others refused, and nobody else waits for them."""

import pytest

from benchmarks.flood.requests import head
from benchmarks.flood.script import Script
from tests.e2e.flood.scene import Scene


@pytest.mark.parametrize("clients", [50, 200])
def test_of_many_exports_some_are_written_and_the_rest_refused(scene: Scene, clients: int) -> None:
    path = f"/v1/campaigns/{scene.stored.large_campaign}/messages.csv"
    export = head(f"GET {path}", "Connection: close", key=scene.keys.reader)
    outcome = scene.stands(Script(clients=clients, first=export), rounds=4)
    assert set(outcome.answers) <= {200, 429}
    assert outcome.broken == 0


def test_exports_that_are_asked_for_again_and_again(scene: Scene) -> None:
    path = f"/v1/campaigns/{scene.stored.large_campaign}/messages.csv"
    export = head(f"GET {path}", "Connection: close", key=scene.keys.reader)
    outcome = scene.stands(Script(clients=100, first=export, again=True), rounds=8)
    assert set(outcome.answers) <= {200, 429}
