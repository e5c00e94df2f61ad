"""API workers killed in the middle of an import."""

import threading
import time
from typing import Any

import psutil
import requests

from tests.chaos.scene import CAMPAIGN, Scene
from tests.support.providers.recording_provider import Faults
from tests.support.waiting import wait_until

HALF_LISTS = "SELECT COUNT(*) FROM recipient_lists WHERE state = 'importing'"
STORED = "SELECT COUNT(*) FROM recipients"
PUT_ON_HALF = """
SELECT COUNT(*) FROM campaigns c JOIN recipient_lists l ON l.id = c.list_id
WHERE l.state <> 'ready'
"""


def send_request(scene: Scene) -> threading.Thread:
    """Send the creating request in the background, whatever becomes of it."""
    body: dict[str, Any] = {
        "campaign_name": f"game{CAMPAIGN}",
        "campaign_id": CAMPAIGN,
        "message_template": "hi {name}",
        "scheduled_time": int(time.time()) - 1,
        "csv_file_path": "recipients.csv",
    }

    def post() -> None:
        try:
            requests.post(f"{scene.system.url}/v1/camp/create", json=body, timeout=60)
        except requests.ConnectionError:
            return  # its worker was killed, as it was meant to be

    thread = threading.Thread(target=post)
    thread.start()
    return thread


def test_killed_imports_leave_no_half_list(scene: Scene) -> None:
    kills = scene.scale.choose(3, 10)
    rows = scene.scale.choose(20_000, 100_000)
    scene.provider.set_faults(Faults(latency=0.01))
    scene.system.configure(Import={"BatchRows": 500})
    scene.write_csv(rows)
    api = scene.start("campaign-api")
    wait_until(scene.system.is_ready)
    for _ in range(kills):
        before = scene.count(STORED)
        point = scene.random.randrange(1, rows // 2)
        request = send_request(scene)
        wait_until(lambda n=before + point: scene.count(STORED) >= n)  # type: ignore[misc]
        for worker in psutil.Process(api.pid).children():
            worker.kill()
        request.join()
        assert scene.count("SELECT COUNT(*) FROM campaigns") == 0, "a campaign on half a list"
        wait_until(scene.system.is_ready)
    assert scene.count(HALF_LISTS) == kills
    scene.system.create(CAMPAIGN, "recipients.csv", "hi {name}")
    assert scene.count(PUT_ON_HALF) == 0
    scene.start("campaign-scheduler")
    scene.start("campaign-sender")
    account = scene.finish()
    scene.found("API worker killed in mid-import", account, faults=kills)
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
    scene.execute("UPDATE recipient_lists SET progressed_at = progressed_at - INTERVAL 11 MINUTE")
    for worker in psutil.Process(api.pid).children():  # the new ones sweep when they start
        worker.kill()
    lists = "SELECT COUNT(*) FROM recipient_lists"
    wait_until(lambda: scene.count(lists) == 1, scene.scale.patience(60))
    assert scene.count(STORED) == rows
