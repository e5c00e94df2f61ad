"""Two providers on a route, of which one is killed in the middle of its sends."""

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.message import FINAL, Status
from tests.chaos.accounts import TAKEN
from tests.chaos.scene import Scene
from tests.chaos.spare_provider import MAIN, SPARE, SPARE_LOG, add_spare
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import RecordingProvider, recording_provider
from tests.support.waiting import wait_until

ROWS = 3_000
SLOW = Faults(latency=0.15)


ROUTE = {"Choose": [{"Provider": MAIN}, {"Provider": SPARE}], "Failover": [MAIN, SPARE]}


def kill_spare(scene: Scene, folder: Path, delivery: Delivery) -> RecordingProvider:
    """Have campaigns take the route of two providers, and kill the second one as it sends."""
    spare = add_spare(scene, folder, ROUTE, Delivery=delivery.value)
    for provider in (scene.provider, spare):
        provider.set_faults(SLOW)
    scene.start_all(senders=2)
    scene.begin(ROWS)
    wait_until(lambda: spare.status()["calls"] >= ROWS // 10, scene.scale.patience(120))
    spare.process.kill()
    return spare


def test_a_killed_provider_loses_and_repeats_nothing(scene: Scene, tmp_path: Path) -> None:
    """Messages that it may have taken end as unknown, and are sent to no other provider."""
    spare = kill_spare(scene, tmp_path, Delivery.AT_MOST_ONCE)
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


@pytest.mark.long_form
def test_what_a_killed_provider_may_have_waits_for_it(scene: Scene, tmp_path: Path) -> None:
    """At least once: what is in doubt is sent again to the same provider, when it is back."""
    spare = kill_spare(scene, tmp_path, Delivery.AT_LEAST_ONCE)
    wait_until(lambda: sent(scene) > ROWS * 3 // 4, scene.scale.patience(120))
    taken = {call.sent.phone for call in spare.calls()}
    waiting = in_doubt(scene)
    assert waiting & taken, "nothing that it has taken is in doubt"
    port = str(urlsplit(spare.url).port)
    log = tmp_path / SPARE_LOG
    scene.enter(recording_provider(log, "--port", port))
    wait_until(scene.has_finished, scene.scale.patience(120))
    assert set(scene.recorded().values()) == {Status.SENT}
    at_spare = Counter(call.sent.phone for call in spare.calls())
    at_main = Counter(call.sent.phone for call in scene.provider.calls() if call.fate == TAKEN)
    assert not at_spare.keys() & at_main.keys(), "sent to both"
    assert at_spare.keys() | at_main.keys() == set(scene.phones)
    assert max(at_main.values()) == 1
    assert {phone for phone, n in at_spare.items() if n > 1} <= waiting, "repeated without doubt"
    assert waiting <= at_spare.keys()
    assert max(at_spare.values()) == 2


def sent(scene: Scene) -> int:
    """Count the messages that were accepted."""
    return sum(status == Status.SENT for status in scene.recorded().values())


def in_doubt(scene: Scene) -> set[str]:
    """Return the phones of messages that wait, and that a provider may have taken."""
    rows = " UNION ALL ".join(
        f"SELECT seq FROM messages_{n} WHERE status = {Status.WAITING} AND in_doubt = 1"
        for n in range(scene_shards(scene))
    )
    return {scene.phones[seq - 1] for (seq,) in scene.system.rows(rows)}


def scene_shards(scene: Scene) -> int:
    """Return the number of ledgers."""
    return len(scene.system.rows("SELECT shard FROM shard_claims"))
