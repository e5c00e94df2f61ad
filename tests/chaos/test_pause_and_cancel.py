"""Pause and cancel with everything queued: promise 4, by the provider's own clock."""

from campaign_common.domain.message import Status
from tests.chaos.scene import CAMPAIGN, SLOW, Scene, boot_time
from tests.chaos.test_stopped_senders import ALLOWED
from tests.support.waiting import wait_until

CANCELLED = CAMPAIGN + 1
FANNED = "SELECT COALESCE(SUM(published_count), 0) FROM campaigns WHERE state = 'running'"
OPEN_CLAIMS = "SELECT COUNT(*) FROM shard_claims WHERE claimed <> ''"


def begin_and_queue(scene: Scene, rows: int, campaign_id: int) -> None:
    """Start a campaign, and wait until all of it is queued while its calls have begun."""
    scene.provider.set_faults(SLOW)
    scene.system.configure(Scheduler={"Lease": "3s", "Window": "10m"})
    _, senders = scene.start_all(senders=2)
    wait_until(lambda: all(scene.shards_of(sender) for sender in senders))
    scene.begin(rows, campaign_id)
    wait_until(lambda: scene.count(FANNED) == rows)
    scene.stall(senders)


def halt(scene: Scene, campaign_id: int, verb: str) -> None:
    """Pause or cancel, wait until all is quiet, and look at what was called after that."""
    scene.system.change(campaign_id, verb)
    acknowledged, calls = boot_time(), scene.calls()
    wait_until(lambda: scene.count(OPEN_CLAIMS) == 0)
    wait_until(lambda: boot_time() > acknowledged + ALLOWED + 2)
    late = [call for call in scene.provider.calls() if call.boot > acknowledged + ALLOWED]
    assert not late, f"{len(late)} calls began after the {verb}"
    assert calls < len(scene.phones), "everything was sent before: nothing was shown"


def test_pause_and_cancel_stop_the_sends_and_resume_goes_on(scene: Scene) -> None:
    """Pause and cancel stop the sends and resume goes on with what is left."""
    rows = scene.scale.choose(20_000, 100_000)
    begin_and_queue(scene, rows, CAMPAIGN)
    halt(scene, CAMPAIGN, "pause")
    reached = scene.account().counts[Status.SENT]
    assert reached == scene.calls(), "what was in flight is recorded"
    scene.hurry()
    scene.system.change(CAMPAIGN, "resume")
    account = scene.finish()
    scene.found("paused and resumed", account)
    assert (account.lost, account.duplicates) == (0, 0)
    assert scene.suspects() == 0


def test_a_cancelled_campaign_accounts_for_everybody(scene: Scene) -> None:
    rows = scene.scale.choose(20_000, 100_000)
    begin_and_queue(scene, rows, CANCELLED)
    halt(scene, CANCELLED, "cancel")
    counts = scene.system.campaign(CANCELLED)["counts"]
    assert isinstance(counts, dict)
    assert counts["sent"] == scene.calls() < rows
    assert counts["sent"] + counts["cancelled"] == rows
    assert scene.suspects() == 0
