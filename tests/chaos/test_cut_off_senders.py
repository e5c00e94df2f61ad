"""A sender cut off from the database during a pause: promise 4, by the provider's own log."""

from collections.abc import Iterator

import pytest

from campaign_common.domain.claim import ClaimedMessage
from campaign_common.dsn import parse_dsn
from tests.chaos.relay import Relay, relay_to
from tests.chaos.scene import CAMPAIGN, SLOW, Scene, boot_time
from tests.chaos.test_stopped_senders import ALLOWED
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

OUTAGE = ALLOWED + 6.0
"""Seconds from the pause to the thaw: longer than a statement or a transaction may take."""


ATTEMPTS = 3
"""A sender may have called everybody that it had claimed before the pause came."""


@pytest.fixture
def relay(scene: Scene) -> Iterator[Relay]:
    """A relay to the scene's database."""
    with relay_to(parse_dsn(scene.system.dsn).port) as relay:
        yield relay


def pause_while_cut_off(scene: Scene, relay: Relay, sender: Process) -> list[ClaimedMessage]:
    """Cut a sender off in the middle of calls, and pause; return what it then left uncalled."""
    scene.stall([sender])
    relay.freeze()
    scene.system.change(CAMPAIGN, "pause")
    acknowledged = boot_time()
    wait_until(lambda: boot_time() > acknowledged + OUTAGE)
    calls = scene.provider.calls()
    late = [call for call in calls if call.boot > acknowledged + ALLOWED]
    assert not late, f"{len(late)} calls began after the pause"
    called = {call.sent.seq for call in calls}
    return [message for message in scene.claimed_by(sender) if message.seq not in called]


def test_a_cut_off_sender_sends_nothing_after_a_pause(scene: Scene, relay: Relay) -> None:
    """A sender cut off from the database sends nothing after a pause."""
    scene.provider.set_faults(SLOW)
    scene.start_all(senders=1)
    cut_off = scene.start("campaign-sender", scene.configuration_through(relay.port))
    wait_until(lambda: scene.shards_of(cut_off))
    scene.begin(scene.scale.choose(20_000, 100_000))
    for _ in range(ATTEMPTS):
        left = pause_while_cut_off(scene, relay, cut_off)
        relay.thaw()
        scene.provider.set_faults(SLOW)
        scene.system.change(CAMPAIGN, "resume")
        if left:
            break
    assert left, "it had called everybody that it could: nothing was shown"
    scene.hurry()
    account = scene.finish()
    scene.found("sender cut off from the database, paused", account)
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
    assert scene.suspects() == 0
