"""Two providers on a route, of which one is killed in the middle of its sends."""

from collections import Counter
from pathlib import Path

import pytest

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.message import FINAL, Status
from tests.chaos.accounts import TAKEN
from tests.chaos.scene import Scene
from tests.chaos.spare_provider import MAIN, SPARE, add_spare
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import RecordingProvider
from tests.support.waiting import wait_until

ROWS = 3_000
SLOW = Faults(latency=0.15)


@pytest.fixture
def spare(scene: Scene, tmp_path: Path) -> RecordingProvider:
    """The second provider of the route that the campaigns take."""
    route = {"Choose": [{"Provider": MAIN}, {"Provider": SPARE}], "Failover": [MAIN, SPARE]}
    return add_spare(scene, tmp_path, route, Delivery=Delivery.AT_MOST_ONCE.value)


def test_a_killed_provider_loses_and_repeats_nothing(
    scene: Scene, spare: RecordingProvider
) -> None:
    """Messages that it may have taken end as unknown, and are sent to no other provider."""
    for provider in (scene.provider, spare):
        provider.set_faults(SLOW)
    scene.start_all(senders=2)
    scene.begin(ROWS)
    wait_until(lambda: spare.status()["calls"] >= ROWS // 10, scene.scale.patience(120))
    spare.process.kill()
    wait_until(scene.has_finished, scene.scale.patience(120))
    ledger = scene.recorded()
    assert set(ledger) == set(scene.phones)
    assert set(ledger.values()) <= FINAL
    at_spare = [call.sent.phone for call in spare.calls()]
    at_main = [call.sent.phone for call in scene.provider.calls() if call.fate == TAKEN]
    assert not set(at_spare) & set(at_main), "sent to both"
    assert max(Counter(at_spare + at_main).values()) == 1, "sent twice"
    unknown = {phone for phone, status in ledger.items() if status == Status.UNKNOWN}
    sent = {phone for phone, status in ledger.items() if status == Status.SENT}
    assert unknown, "no send was cut off: nothing was shown"
    assert unknown | sent == set(scene.phones), "the others failed over"
    assert not unknown & set(at_main)
    rows = "SELECT provider, COUNT(*) FROM ({}) t GROUP BY provider".format(
        " UNION ALL ".join(f"SELECT provider FROM messages_{n}" for n in range(scene_shards(scene)))
    )
    assert set(dict(scene.system.rows(rows))) == {MAIN, SPARE}


def scene_shards(scene: Scene) -> int:
    """Return the number of ledgers."""
    return len(scene.system.rows("SELECT shard FROM shard_claims"))
