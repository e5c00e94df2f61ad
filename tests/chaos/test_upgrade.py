"""From the version before to this one in mid-campaign, and half the way back."""

from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from local_stack.ports import free_port
from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults
from tests.support.servers.databases import fresh_schema
from tests.support.services.previous_version import NEIGHBOUR, PreviousVersion
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

SLOW = Faults(latency=0.6)
"""With 48 connections a sender makes 80 calls a second: time to start processes meanwhile."""
SOME = 150
"""Calls that show that work goes on."""


class Upgrade:
    """The system on its way between two versions."""

    def __init__(self, scene: Scene, previous: PreviousVersion, stack: ExitStack) -> None:
        self.scene = scene
        self._previous = previous
        self._stack = stack

    def older(self, program: str) -> Process:
        """Start a service of the version before."""
        running = self._previous.running(program, self.scene.system.config)
        return self._stack.enter_context(running)

    def newer_api(self) -> Process:
        """Start this version's API, and ask it from now on."""
        port = free_port()
        api = self.scene.start("campaign-api", self.scene.configuration(f"api-{port}", Port=port))
        self.scene.system.url = f"http://127.0.0.1:{port}"
        wait_until(self.scene.system.is_ready)
        return api

    def wait_until_it_sends(self, sender: Process) -> None:
        """Wait until a sender has shards and the provider hears from somebody."""
        wait_until(lambda: self.scene.shards_of(sender))
        self.scene.wait_for_calls(self.scene.calls() + SOME)


def stop(process: Process) -> None:
    process.terminate()
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    "server", ["mariadb", pytest.param("mysql", marks=pytest.mark.long_form)], indirect=True
)
def test_services_of_two_versions_share_a_campaign(
    scene: Scene, server_dsn: str, tmp_path: Path
) -> None:
    previous = PreviousVersion(tmp_path, NEIGHBOUR)
    system = scene.system
    scene.provider.set_faults(SLOW)
    with fresh_schema(server_dsn) as dsn, ExitStack() as stack:
        system.use_database(dsn)
        for words in (("campaign-db", "migrate"), ("campaign-topics", "create")):
            made = previous.command(*words, "-c", str(system.config))
            assert made.returncode == 0, made.stderr
        upgrade = Upgrade(scene, previous, stack)
        older_api, older_scheduler = map(upgrade.older, ("campaign-api", "campaign-scheduler"))
        older_senders = [upgrade.older("campaign-sender") for _ in range(2)]
        wait_until(system.is_ready)
        scene.begin(scene.scale.choose(10_000, 30_000))
        scene.wait_for_calls(SOME)

        migrated = system.command("campaign-db", "migrate", "-c", str(system.config))
        assert migrated.returncode == 0, migrated.stderr
        assert "the schema is up to date" in migrated.stdout
        scene.wait_for_calls(scene.calls() + SOME)
        for older in older_senders:
            newer = scene.start("campaign-sender")
            upgrade.wait_until_it_sends(newer)
            stop(older)
        scene.start("campaign-scheduler")
        stop(older_scheduler)
        upgrade.newer_api()
        stop(older_api)
        # What this version's scheduler publishes is read by a sender of the version before.
        upgrade.wait_until_it_sends(upgrade.older("campaign-sender"))
        assert not scene.has_finished(), "the campaign ended before the upgrade did"
        scene.hurry()
        account = scene.finish()
        scene.found("upgraded, service by service", account, faults=6)
        assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
        assert scene.suspects() == 0
        answer = requests.get(f"{system.url}/v1/campaigns", timeout=30)
        assert [one["state"] for one in answer.json()["campaigns"]] == ["finished"]
        scene.stop_all()
