"""Every process replaced in mid-campaign, as the Deployments do it, and nobody notices."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Self

import pytest
import requests
import yaml

from local_stack.ports import free_port
from manifests.rendering import rendered_file
from tests.chaos.front import Front, front
from tests.chaos.scene import CAMPAIGN, Scene
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

PATIENT = Faults(latency=0.4)
"""So slow that the campaign lasts longer than all the replacing."""
OVERLAY = "production"
ASK_EVERY = 0.1
"""Seconds between two requests of somebody who watches, and makes campaigns."""


class StopSettings(NamedTuple):
    """Seconds that a Deployment gives a process that is to stop."""

    before: float
    """From when nobody new is sent to it until it gets SIGTERM."""
    grace: float
    """From then, `before` included, until it is killed."""


class Running(NamedTuple):
    """A process of a service, and where it listens."""

    process: Process
    port: int
    health_url: str

    def is_ready(self) -> bool:
        try:
            return requests.get(self.health_url, timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


@pytest.fixture
def service() -> Iterator[Front]:
    with front() as made:
        yield made


class Watcher:
    """Asks for progress and makes campaigns all the time, each over a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answers: list[tuple[str, object]] = []
        """A request, and the status or the error that it got."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(ASK_EVERY):
            number += 1
            self._ask(f"progress {number}", self._read)
            self._ask(f"create {number}", partial(self._create, number))

    def _ask(self, what: str, ask: Callable[[], int]) -> None:
        try:
            self.answers.append((what, ask()))
        except requests.RequestException as error:
            self.answers.append((what, error))

    def _read(self) -> int:
        path = f"{self._url}/v1/campaigns/{CAMPAIGN}/progress"
        return requests.get(path, timeout=30).status_code

    def _create(self, number: int) -> int:
        body = {
            "campaign_name": f"later {number}",
            "campaign_id": CAMPAIGN + number,
            "message_template": "hi {name}",
            "scheduled_time": int(time.time()) + 86_400,
            "csv_file_path": "few.csv",
        }
        return requests.post(f"{self._url}/v1/camp/create", json=body, timeout=30).status_code


def test_a_rolling_restart_loses_and_repeats_nothing(scene: Scene, service: Front) -> None:
    """A rolling restart of everything loses nothing and sends nothing twice."""
    settings = {name: stop_settings(name) for name in ("api", "scheduler", "sender")}
    scene.provider.set_faults(PATIENT)
    scene.configure_provider(Timeout="10s")
    scene.system.configure(DrainTimeout=drain_timeout())
    scene.system.write_csv("Ada,13999999999\n", "few.csv")
    replicas = {
        name: [start(scene, name) for _ in range(number)]
        for name, number in (("api", 2), ("scheduler", 2), ("sender", 3))
    }
    wait_until(lambda: all(one.is_ready() for each in replicas.values() for one in each))
    for api in replicas["api"]:
        service.add(api.port)
    scene.system.url = f"http://127.0.0.1:{service.port}"
    scene.begin(scene.scale.choose(30_000, 60_000))
    scene.wait_for_calls(200)
    with Watcher(scene.system.url) as watcher:
        slowest = [
            replace(scene, service, name, old, settings[name])
            for name, each in replicas.items()
            for old in each
        ]
        assert not scene.has_finished(), "the campaign ended before the restart did"
    scene.hurry()
    account = scene.finish()
    scene.found("rolling restart of every process", account, faults=7, recovered=max(slowest))
    assert {answer for _, answer in watcher.answers} == {200}, watcher.answers
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
    assert scene.suspects() == 0


def start(scene: Scene, name: str) -> Running:
    """Start a process with ports of its own."""
    port, health_port = free_port(), free_port()
    config = scene.configuration(f"{name}-{port}", Port=port, HealthPort=health_port)
    health = port if name == "api" else health_port
    process = scene.start(f"campaign-{name}", config)
    return Running(process, port, f"http://127.0.0.1:{health}/readyz")


def replace(scene: Scene, service: Front, name: str, old: Running, settings: StopSettings) -> float:
    """Replace one process by a new one; returns how many seconds the old one took to end."""
    new = start(scene, name)
    wait_until(new.is_ready)
    if name == "api":
        service.add(new.port)
        service.remove(old.port)
    stopped = time.monotonic()
    wait_until(lambda: time.monotonic() >= stopped + settings.before)
    old.process.terminate()
    code = old.process.wait(settings.grace - settings.before)
    assert code == 0, f"{name} ended with {code}"
    return time.monotonic() - stopped


def stop_settings(name: str) -> StopSettings:
    """Read what the Deployment of a service says."""
    (pod,) = (
        found["spec"]["template"]["spec"]
        for found in manifests()
        if found["kind"] == "Deployment" and found["metadata"]["name"] == f"campaign-{name}"
    )
    (container,) = pod["containers"]
    hook = container.get("lifecycle", {}).get("preStop")
    before = 0.0
    if hook is not None:
        *_, code = hook["exec"]["command"]
        before = float(code.partition("sleep(")[2].partition(")")[0])
    return StopSettings(before, float(pod["terminationGracePeriodSeconds"]))


def drain_timeout() -> str:
    """Read DrainTimeout from the ConfigMap of the services."""
    (document,) = (
        yaml.safe_load(found["data"]["campmgr.yaml"])
        for found in manifests()
        if found["kind"] == "ConfigMap" and found["metadata"]["name"].startswith("campaign-config")
    )
    return str(document["DrainTimeout"])


def manifests() -> list[dict[str, object]]:
    documents = yaml.safe_load_all(rendered_file(OVERLAY).read_text())
    return [found for found in documents if found]
