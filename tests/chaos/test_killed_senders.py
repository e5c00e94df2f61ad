"""Senders killed in the middle of their calls, at random points."""

import pytest

from campaign_common.domain.campaign import Delivery
from tests.chaos.scene import Scene
from tests.chaos.test_limits import fullest
from tests.support.providers.recording_provider import Faults

MODES = [
    (Delivery.AT_LEAST_ONCE, "mysql"),
    (Delivery.AT_MOST_ONCE, "mariadb"),
    pytest.param(Delivery.AT_LEAST_ONCE, "mariadb", marks=pytest.mark.long_form),
]

SLOW = Faults(latency=0.15)
"""Long enough to be hit in the middle of a call."""


CONNECTIONS = 64
QUICK = Faults(latency=0.015)
CLAIMED_FOR = 0.3
"""Seconds of sends that a sender has claimed at most, beside what its connections carry."""


def test_a_kill_leaves_in_doubt_what_was_being_sent(scene: Scene) -> None:
    """At most what its connections carry, and what it sends in 0.3 s; at most once, it is unknown.

    The rate is that of the sender's best 0.3 s: it claims by what it has sent just before.
    """
    kills = scene.scale.choose(2, 10)
    scene.configure_provider(Connections=CONNECTIONS, Timeout="20s")
    scene.system.configure(Delivery=Delivery.AT_MOST_ONCE.value)
    scene.provider.set_faults(QUICK)
    _, (sender,) = scene.start_all()
    scene.begin(scene.scale.choose(10_000, 100_000))
    bounds = []
    for point in scene.points(kills, share=0.7):
        scene.wait_for_calls(point)
        left_over = scene.kill_in_flight(sender)
        arrivals = sorted(call.boot for call in scene.provider.calls())
        bounds.append(CONNECTIONS + fullest(arrivals, CLAIMED_FOR))
        assert 0 < len(left_over) <= bounds[-1]
        sender = scene.start("campaign-sender")
    account = scene.finish()
    scene.found("sender killed at full rate", account, faults=kills, bound=sum(bounds))
    assert (account.lost, account.duplicates) == (0, 0)
    assert 0 < account.unknown <= sum(bounds)


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
