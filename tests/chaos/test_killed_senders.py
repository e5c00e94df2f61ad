"""Senders killed in the middle of their calls, at random points."""

import pytest

from campaign_common.domain.campaign import Delivery
from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults

MODES = [(Delivery.AT_LEAST_ONCE, "mariadb"), (Delivery.AT_MOST_ONCE, "mariadb")]
MODES += [(Delivery.AT_LEAST_ONCE, "mysql")]

SLOW = Faults(latency=0.15)
"""Long enough to be hit in the middle of a call."""


CONNECTIONS = 48
"""Of each sender, as the scene configures them."""


def test_a_kill_leaves_in_doubt_what_was_being_sent(scene: Scene) -> None:
    """At most what its connections carry, and what they would have sent in 0.3 s."""
    scene.provider.set_faults(SLOW)
    _, (sender,) = scene.start_all()
    scene.begin(2_000)
    left_over = scene.kill_in_flight(sender)
    bound = CONNECTIONS * (1 + 0.3 / SLOW.latency)
    assert 0 < len(left_over) <= bound


@pytest.mark.parametrize(("delivery", "server"), MODES, indirect=["server"])
def test_killed_senders_repeat_only_claimed_messages(scene: Scene, delivery: Delivery) -> None:
    """Killed senders lose no message and repeat only those that they had claimed."""
    kills = scene.scale.choose(3, 20)
    rows = scene.scale.choose(20_000, 150_000)
    scene.system.configure(Delivery=delivery.value)
    scene.provider.set_faults(SLOW)
    _, started = scene.start_all(senders=3)
    senders = list(started)
    scene.begin(rows)
    claimed, recovered = set(), []
    bound = 0
    for point in scene.points(kills, share=0.6):
        scene.wait_for_calls(point)
        victim = scene.random.choice([sender for sender in senders if scene.shards_of(sender)])
        senders.remove(victim)
        shards = scene.shards_of(victim)
        left_over = scene.kill_in_flight(victim)
        claimed |= {message.seq for message in left_over}
        bound += len(left_over)
        senders.append(scene.start("campaign-sender"))
        recovered.append(scene.wait_for_take_over(shards))
    scene.hurry()
    account = scene.finish()
    scene.found(
        f"sender killed, {delivery.value}",
        account,
        faults=kills,
        bound=bound,
        recovered=max(recovered),
    )
    assert account.lost == 0
    assert account.duplicates <= bound
    assert account.repeated <= claimed
    if delivery is Delivery.AT_MOST_ONCE:
        assert account.duplicates == 0
        assert 0 < account.unknown <= bound
    else:
        assert account.unknown == 0
        assert account.duplicates <= scene.suspects() <= bound
        assert account.duplicates > 0, "no kill hit a call: nothing was shown"
