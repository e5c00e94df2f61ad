"""A service does not outlive a required thread: it ends, and one line says of what."""

import json
import subprocess
import sys

import pytest

from tests.support.servers.databases import ONE_FLAVOUR
from tests.support.services.system import System

BROKEN = """
import {module}

def fail(*_):
    raise ZeroDivisionError("on purpose")

{module}.{method} = fail
from {package}.main import main
main()
"""
"""A service as it is installed, but for one method that fails where it is called."""

SECONDS = 30

RECORDER = "recording.recorder.Recorder._run_once"
SLOW_READS = "delivery.send_guard_thread.SlowReadLog.note"


@ONE_FLAVOUR
@pytest.mark.parametrize(
    ("package", "thread", "method"),
    [
        pytest.param("campaign_scheduler", "fan-out", "fanout.loop.FanOutLoop.run", id="fan-out"),
        pytest.param("campaign_sender", "recorder", RECORDER, id="recorder"),
        pytest.param("campaign_sender", "send-guard", SLOW_READS, id="send-guard"),
    ],
)
def test_a_process_ends_with_a_thread_that_it_rests_on(
    system: System, package: str, thread: str, method: str
) -> None:
    module, owner, name = method.rsplit(".", 2)
    broken = BROKEN.format(module=f"{package}.{module}", method=f"{owner}.{name}", package=package)
    done = subprocess.run(
        [sys.executable, "-c", broken, "-c", system.config],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    lines = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
    told = [line for line in lines if line["level"] == "critical"]
    assert told[0]["thread"] == thread
    assert "ZeroDivisionError: on purpose" in str(told[0])
