"""The images do their work read-only, without root, and end when they are told to."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from local_stack.demo import campaign as demo
from local_stack.demo.balance import Ledger, ReportedProgress, discrepancies
from local_stack.ports import free_port
from local_stack.servers.kafka import KafkaServer
from release.images import TARGETS
from tests.images.conftest import Images
from tests.images.container import SHARED, USER, Container, run
from tests.support.services.system import SHARDS, System
from tests.support.waiting import wait_until
from tests.unit.deploy.manifests import workload

pytestmark = pytest.mark.timeout(1800)  # the first test waits for the images to be built

RECIPIENTS = 100_000
"""As `make demo`."""

GRACE = 25.0
"""Seconds; the manifests give 45, of which the API uses 5 to be left alone."""

LARGEST = 320_000_000
"""Bytes, on a base of 176 MB; the usual slim base has 50 MB less."""

LOOK = """
import errno, json, os
from importlib.util import find_spec
MODULES = ("flask", "apscheduler", "confluent_kafka", "uvloop", "pytest", "pip")
refused = {}
for folder in ("/", "/opt/campaign", "/etc", "/srv/lists", "/var/tmp"):
    try:
        open(folder + "/written", "w").close()
    except OSError as error:
        refused[folder] = errno.errorcode[error.errno]
open("/tmp/written", "w").close()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "refused": refused,
    "user": [os.getuid(), os.getgid(), os.getgroups()],
    "capabilities": [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")],
    "no_new_privileges": int(status["NoNewPrivs"]),
    "seccomp": int(status["Seccomp"]),
    "shell": os.system("exit 0") == 0,
    "modules": [name for name in MODULES if find_spec(name)],
}))
"""

PEAK = """
import os
total = 0
for process in set(filter(str.isdigit, os.listdir("/proc"))) - {str(os.getpid())}:
    status = dict(line.split(":", 1) for line in open(f"/proc/{process}/status"))
    total += int(status["VmHWM"].split()[0])
print(total * 1024)
"""

FILTERED = 2
"""Line in /proc of a process whose system calls a filter looks at."""

MODULES = {
    "api": ["flask"],
    "scheduler": ["apscheduler", "confluent_kafka"],
    "sender": ["confluent_kafka", "uvloop"],
    "tools": ["confluent_kafka"],
}


@pytest.fixture
def system(tmp_path: Path, database: str, kafka_server: KafkaServer) -> Iterator[System]:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    system = System(folder, database, kafka_server.brokers)
    yield system
    system.database.close()


def environment(**ports: int) -> Mapping[str, str]:
    return {
        "CAMP_CONFIG": f"{SHARED}/campmgr.yaml",
        "CAMP__CSVROOT": SHARED,
        **{f"CAMP__{name.upper()}": str(port) for name, port in ports.items()},
    }


def answers(port: int, page: str) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}{page}", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_can_be_written_or_gained(images: Images, tmp_path: Path, target: str) -> None:
    (tmp_path / "shared").mkdir()
    python = ["/opt/campaign/bin/python", "-c", LOOK]
    with run(images[target], tmp_path / "shared", tmp_path / "look.log", command=python) as looking:
        wait_until(lambda: looking.exit_code is not None)
    seen = json.loads((tmp_path / "look.log").read_text())
    assert set(seen["refused"].values()) == {"EROFS"}
    assert len(seen["refused"]) == 5
    assert seen["user"] == [USER, USER, []]
    assert seen["capabilities"] == [0, 0, 0, 0]
    assert seen["no_new_privileges"] == 1
    assert seen["seccomp"] == FILTERED
    assert seen["shell"] is False
    assert seen["modules"] == MODULES[target]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_what_it_is(
    images: Images, version: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = images[target].settings
    labels = settings["Labels"]
    assert labels["org.opencontainers.image.title"] == f"campaign-{target}"
    assert labels["org.opencontainers.image.version"] == version
    assert len(labels["org.opencontainers.image.revision"]) == 40
    assert settings["User"] == f"{USER}:{USER}"
    for left in ("build", "wheels", "source", "locks"):
        assert not (images[target].root / left).exists()
    with capsys.disabled():
        sys.stdout.write(f"\ncampaign-{target}: {images[target].size / 1e6:.0f} MB ")
    assert images[target].size < LARGEST


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "tools"])
def test_containers_run_as_the_manifests_say(target: str) -> None:
    pod = workload("production", f"campaign-{target}").pod
    security = pod["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"]) == (USER, USER)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_the_job_of_make_demo_goes_through_the_images(
    images: Images, system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(images, system, tmp_path)
    with services(images, system, tmp_path) as running:
        demo.write_recipients(system.folder, RECIPIENTS)
        demo.create_campaign(system.url)
        wait_until(lambda: system.is_finished(demo.CAMPAIGN_ID), timeout=120)
        progress = ReportedProgress.from_answer(system.campaign(demo.CAMPAIGN_ID))
        assert discrepancies(RECIPIENTS, progress, ledger(system)) == []
        assert progress.outcomes["sent"] == RECIPIENTS
        for target, container in running.items():
            used = peak(container)
            with capsys.disabled():
                sys.stdout.write(f"\ncampaign-{target} used {used / 2**20:.0f} MiB ")
            assert used < memory_limit(target)
        for target, container in running.items():
            log = (tmp_path / f"{target}.log").read_text
            assert container.stop(GRACE) == 0, log()
            assert "Traceback" not in log()


def prepare(images: Images, system: System, folder: Path) -> None:
    """Make schema and topic, as the Jobs do."""
    for command in (["campaign-db", "migrate"], ["campaign-topics", "create"]):
        log = folder / f"{command[0]}.log"
        arguments = [f"/opt/campaign/bin/{command[0]}", *command[1:]]
        with run(
            images["tools"], system.folder, log, command=arguments, environment=environment()
        ) as tool:
            wait_until(lambda tool=tool: tool.exit_code is not None, timeout=60)
        assert tool.exit_code == 0, log.read_text()


@contextmanager
def services(images: Images, system: System, folder: Path) -> Iterator[dict[str, Container]]:
    """Run one of each until they are ready, by their page and by the image's own check."""
    ports = {"api": free_port(), "scheduler": free_port(), "sender": free_port()}
    with ExitStack() as stack:
        running: dict[str, Container] = {}
        for target, port in ports.items():
            own = environment(port=port) if target == "api" else environment(healthport=port)
            running[target] = stack.enter_context(
                run(images[target], system.folder, folder / f"{target}.log", environment=own)
            )
        for target, port in ports.items():
            wait_until(lambda port=port: answers(port, "/readyz"), timeout=60)
            check = [
                part.replace("10001", str(port)).replace("10002", str(port))
                for part in images[target].health_check
            ]
            assert running[target].execute(check).returncode == 0
        system.url = f"http://127.0.0.1:{ports['api']}"
        yield running


def ledger(system: System) -> Ledger:
    """Count the rows that the message tables themselves hold."""
    rows = Counter({"sent": 0, "failed": 0, "other": 0})
    for shard in range(SHARDS):
        sql = f"SELECT status, COUNT(*) FROM messages_{shard} GROUP BY status"
        for status, count in system.rows(sql):
            rows[{1: "sent", 2: "failed"}.get(status, "other")] += count
    return Ledger(rows=rows, last_row_at=None)


def peak(container: Container) -> int:
    """Most bytes that its processes have used, each by itself."""
    looked = container.execute(["/opt/campaign/bin/python", "-c", PEAK])
    assert looked.returncode == 0, looked.stderr
    return int(looked.stdout)


def memory_limit(target: str) -> int:
    """Bytes that the manifests give a container."""
    (container,) = workload("production", f"campaign-{target}").containers
    number, unit = re.fullmatch(
        r"(\d+)(Mi|Gi)", container["resources"]["limits"]["memory"]
    ).groups()
    return int(number) * {"Mi": 2**20, "Gi": 2**30}[unit]
