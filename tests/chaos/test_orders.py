"""Shard commands in the middle of faults: messages retried by hand, people erased."""

from collections import Counter
from collections.abc import Sequence

from campaign_common.domain.claim import ClaimedMessage
from campaign_common.domain.message import Status
from tests.chaos.scene import CAMPAIGN, SLOW, Scene, boot_time
from tests.chaos.test_stopped_senders import ALLOWED
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

REFUSING = Faults(latency=0.005, errors={400: 1.0})
"""Refuses everybody, for good."""
ENDS_OF_ERASED = {Status.SENT, Status.CANCELLED, Status.UNKNOWN}


def kill_in_flight(scene: Scene, senders: list[Process]) -> tuple[set[int], float]:
    """Kill one of `senders` and start another; returns what it had claimed, and the recovery."""
    victim = scene.random.choice([sender for sender in senders if scene.shards_of(sender)])
    senders.remove(victim)
    shards = scene.shards_of(victim)
    claimed = {message.seq for message in scene.kill_in_flight(victim)}
    senders.append(scene.start("campaign-sender"))
    return claimed, scene.wait_for_take_over(shards)


def adds_up(scene: Scene) -> bool:
    """Compare what the API says of the campaign with the number of its recipients."""
    campaign = scene.system.campaign(CAMPAIGN)
    counts = campaign["counts"]
    assert isinstance(counts, dict)
    return sum(counts.values()) == campaign["total"] == len(scene.phones)


def test_a_manual_retry_reaches_everybody_once_despite_kills(scene: Scene) -> None:
    """A manual retry reaches everybody once, whatever is killed meanwhile."""
    kills = scene.scale.choose(3, 20)
    scene.provider.set_faults(REFUSING)
    _, started = scene.start_all(senders=3)
    senders = list(started)
    scene.begin(scene.scale.choose(20_000, 100_000))
    refused = scene.finish()
    assert refused.counts == {Status.FAILED: len(scene.phones)}
    scene.provider.set_faults(SLOW)
    before = scene.calls()
    assert scene.retry("failed") == len(scene.phones)
    claimed, bound, recovered = set(), 0, []
    for point in scene.points(kills, share=0.6):
        scene.wait_for_calls(before + point)
        left_over, seconds = kill_in_flight(scene, senders)
        claimed |= left_over
        bound += len(left_over)
        recovered.append(seconds)
    scene.hurry()
    account = scene.finish(generation=1)
    scene.found(
        "retried by hand, sender killed",
        account,
        faults=kills,
        bound=bound,
        recovered=max(recovered),
    )
    first = Counter(call.sent.phone for call in scene.calls_of(CAMPAIGN, generation=0))
    assert first == Counter(scene.phones), "nobody was called for the old generation again"
    assert account.lost == 0
    assert account.duplicates <= scene.suspects() <= bound
    assert account.repeated <= claimed
    assert account.counts == {Status.SENT: len(scene.phones)}
    assert adds_up(scene)


def erase_some(scene: Scene, claimed: Sequence[ClaimedMessage], number: int) -> dict[str, float]:
    """Erase some of those who were claimed; returns when each erasure was acknowledged."""
    known = set(scene.erased.values())
    chosen = [scene.phones[message.seq - 1] for message in scene.random.sample(claimed, number)]
    return {phone: scene.erase(phone) for phone in chosen if phone not in known}


def test_nobody_is_called_after_being_erased_whatever_is_killed(scene: Scene) -> None:
    kills = scene.scale.choose(3, 10)
    at_once = scene.scale.choose(15, 30)
    # Erasures and take-overs take their time, and each kill needs a victim that has work left.
    rows, share = scene.scale.choose((20_000, 0.25), (60_000, 0.5))
    scene.provider.set_faults(SLOW)
    _, started = scene.start_all(senders=2)
    senders = list(started)
    wait_until(lambda: all(scene.shards_of(sender) for sender in senders))
    scene.begin(rows)
    erased: dict[str, float] = {}
    bound, recovered = 0, []
    for point in scene.points(kills, share=share):
        scene.wait_for_calls(point)
        victim = senders.pop(0)
        shards = scene.shards_of(victim)
        scene.stall([senders[0]])
        erased |= erase_some(scene, scene.claimed_by(senders[0]), at_once)
        calls_would_show_at = max(erased.values()) + ALLOWED + 2
        wait_until(lambda at=calls_would_show_at: boot_time() > at)
        scene.provider.set_faults(SLOW)
        left_over = scene.kill_in_flight(victim)
        bound += len(left_over)
        erased |= erase_some(scene, left_over, at_once)
        senders.append(scene.start("campaign-sender"))
        recovered.append(scene.wait_for_take_over(shards))
    scene.hurry()
    account = scene.finish()
    scene.found(
        "people erased, sender killed",
        account,
        faults=kills,
        bound=bound,
        recovered=max(recovered),
    )
    calls = scene.calls_of(CAMPAIGN, generation=0)
    late = [c for c in calls if c.boot > erased.get(c.sent.phone, c.boot) + ALLOWED]
    assert not late, f"{len(late)} calls to people who had been erased"
    assert account.lost == 0
    assert account.duplicates <= scene.suspects() <= bound
    assert account.counts[Status.CANCELLED] > 0
    assert account.unknown > 0, "nobody was erased who may have been called by a lost sender"
    assert set(account.counts) <= ENDS_OF_ERASED
    assert sum(account.counts.values()) - account.counts[Status.SENT] <= len(erased)
    assert scene.count("SELECT COUNT(*) FROM shard_commands") == 0
    assert adds_up(scene)
