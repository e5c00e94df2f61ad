"""A provider that takes messages and then drops the reused connection without an answer."""

from collections import defaultdict

import pytest

from campaign_common.domain.campaign import Delivery
from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import DROP, Faults

DROPPED = Faults(seed=5, latency=0.02, drop=0.05)


@pytest.mark.parametrize("delivery", list(Delivery))
def test_a_dropped_connection_is_never_repeated_by_the_client(
    scene: Scene, delivery: Delivery
) -> None:
    rows = scene.scale.choose(20_000, 150_000)
    scene.system.configure(Delivery=delivery.value)
    scene.provider.set_faults(DROPPED)
    scene.start_all(senders=2)
    scene.begin(rows)
    account = scene.finish()
    calls = scene.provider.calls()
    drops = sum(call.fate == DROP for call in calls)
    fates = defaultdict(list)
    for call in calls:
        fates[call.key].append(call.fate)
    scene.found(
        f"connections dropped, {delivery.value}",
        account,
        faults=drops,
        bound=drops if delivery is Delivery.AT_LEAST_ONCE else 0,
    )
    assert drops > rows * 0.02
    assert account.lost == 0
    if delivery is Delivery.AT_MOST_ONCE:
        assert account.duplicates == 0
        assert account.unknown == drops
    else:
        assert account.duplicates == drops, "called again without a doubt, or not although in doubt"
        assert account.unknown == 0
        assert all(set(met[:-1]) <= {DROP} for met in fates.values())
