"""Partitions and senders that come and go in the middle of a campaign."""

import pytest

from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults
from tests.support.waiting import wait_until

BEFORE, AFTER = 4, 8
RAISE = ("campaign-topics", "raise", "--partitions", str(AFTER))

CLOSE_BEHIND = {"Lease": "3s", "ChunkSize": 500, "Window": "2s"}
"""Most of the campaign is published after the change, and not before it."""


@pytest.fixture
def partitions() -> int:
    return BEFORE


def test_more_partitions_and_other_senders_disturb_nobody(scene: Scene) -> None:
    rows = scene.scale.choose(20_000, 150_000)
    scene.provider.set_faults(Faults(latency=0.1))
    scene.system.configure(Scheduler=CLOSE_BEHIND)
    scene.start_all(senders=1)
    scene.begin(rows)
    scene.wait_for_calls(rows // 10)
    raised = scene.system.command(*RAISE, "-c", str(scene.system.config))
    assert raised.returncode == 0, raised.stderr
    added = [scene.start("campaign-sender") for _ in range(3)]
    wait_until(lambda: all(scene.shards_of(sender) for sender in added))
    scene.wait_for_calls(rows // 2)
    for sender in added[:2]:
        sender.terminate()
    assert [sender.wait(20) for sender in added[:2]] == [0, 0]
    assert not scene.has_finished(), "the campaign was over before the senders left"
    scene.hurry()
    account = scene.finish()
    scene.found(f"partitions {BEFORE} to {AFTER}, senders 1 to 4 to 2", account, faults=3)
    assert scene.count("SELECT partitions FROM partition_map") == AFTER
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
    assert scene.suspects() == 0
