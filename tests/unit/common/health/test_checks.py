import threading

import pytest
import requests

from campaign_common.errors import DatabaseUnavailable
from campaign_common.health.checks import LOOP_STUCK_AFTER, OLD_AFTER, HealthMonitor
from campaign_common.health.server import pages_of
from campaign_common.runtime.page_server import PageServer, listening


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Scene:
    def __init__(self) -> None:
        self.clock = Clock()
        self.stopping = threading.Event()
        self.trouble: Exception | None = None
        self.health = HealthMonitor({"database": self.check}, self.stopping, clock=self.clock)

    def check(self) -> None:
        if self.trouble:
            raise self.trouble


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_ready_means_started_checked_and_not_stopping(scene: Scene) -> None:
    assert scene.health.why_not_ready() is not None
    scene.health.check()
    assert scene.health.why_not_ready() == "starting"
    scene.health.started()
    assert scene.health.why_not_ready() is None
    scene.stopping.set()
    assert scene.health.why_not_ready() == "stopping"


def test_an_outage_makes_a_process_unready_and_not_dead(scene: Scene) -> None:
    scene.health.started()
    scene.health.beat("consumer loop")
    scene.trouble = DatabaseUnavailable("connection refused")
    scene.health.check()
    assert scene.health.why_not_ready() == "database: connection refused"
    assert scene.health.why_dead() is None
    scene.trouble = None
    scene.health.check()
    assert scene.health.why_not_ready() is None


def test_an_error_nobody_foresaw_is_said_and_passes(scene: Scene) -> None:
    scene.health.started()
    scene.trouble = ZeroDivisionError("secret detail")
    scene.health.check()
    assert scene.health.why_not_ready() == "database: ZeroDivisionError"
    scene.trouble = None
    scene.health.check()
    assert scene.health.why_not_ready() is None


def test_a_check_that_does_not_end_is_no_good_news(scene: Scene) -> None:
    scene.health.started()
    scene.health.check()
    scene.clock.now += OLD_AFTER + 1
    assert scene.health.why_not_ready() == "database or Kafka do not answer"


def test_a_stuck_loop_is_dead_unless_the_process_stops(scene: Scene) -> None:
    """A loop that makes no rounds fails the liveness check, unless the process stops."""
    scene.health.beat("consumer loop")
    scene.clock.now += LOOP_STUCK_AFTER - 1
    scene.health.beat("job scheduler")
    assert scene.health.why_dead() is None
    scene.clock.now += 2
    assert scene.health.why_dead() == "consumer loop has not moved for 301 s"
    scene.stopping.set()
    assert scene.health.why_dead() is None


def test_the_server_answers_probes_and_nothing_else(scene: Scene) -> None:
    server = PageServer(listening("127.0.0.1", 0), pages_of(scene.health))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.port}"
    try:
        assert requests.get(f"{url}/healthz", timeout=5).json() == {"status": "ok"}
        unready = requests.get(f"{url}/readyz", timeout=5)
        assert (unready.status_code, unready.json()["status"]) == (503, "not ready")
        scene.health.started()
        scene.health.check()
        ready = requests.get(f"{url}/readyz?verbose", timeout=5)
        assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
        assert "Server" not in ready.headers
        assert requests.get(f"{url}/etc/passwd", timeout=5).status_code == 404
        assert requests.post(f"{url}/readyz", timeout=5).status_code == 501
    finally:
        server.shutdown()
        server.server_close()
