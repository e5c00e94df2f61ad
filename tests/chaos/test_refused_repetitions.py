"""Senders killed in the middle of their sends, at a gateway that refuses what comes again."""

import pytest

from campaign_common.domain.message import Status
from tests.chaos.accounts import Account
from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults

ROWS = 3_000
TAKEN_ONCE = Faults(latency=0.15, repeated=400)
"""Every message is taken, and its repetition refused: the gateway knows no keys."""
REFUSED = Faults(latency=0.15, errors={400: 1.0})
"""Every message is refused, however often it comes."""


@pytest.fixture
def idempotent(request: pytest.FixtureRequest, scene: Scene) -> None:
    scene.configure_provider(Timeout="20s", Idempotent=request.param)


def after_a_kill(scene: Scene, faults: Faults, fault: str) -> Account:
    """Kill one of two senders in the middle of its sends, and wait for the end."""
    scene.provider.set_faults(faults)
    _, senders = scene.start_all(senders=2)
    scene.begin(ROWS)
    scene.wait_for_calls(ROWS // 10)
    left_over = scene.kill_in_flight(senders[0])
    account = scene.finish()
    scene.found(fault, account, faults=1, bound=len(left_over))
    assert account.lost == 0
    assert account.repeated <= {message.seq for message in left_over}
    assert account.repeated, "no message was sent a second time: nothing was shown"
    return account


@pytest.mark.parametrize("idempotent", [False], indirect=True)
@pytest.mark.usefixtures("idempotent")
def test_what_was_taken_and_then_refused_ends_unknown(scene: Scene) -> None:
    account = after_a_kill(scene, TAKEN_ONCE, "sender killed, repetitions refused")
    assert account.counts == {
        Status.SENT: ROWS - len(account.repeated),
        Status.UNKNOWN: len(account.repeated),
    }


@pytest.mark.parametrize("idempotent", [True], indirect=True)
@pytest.mark.usefixtures("idempotent")
def test_refusals_of_an_idempotent_gateway_are_proof(scene: Scene) -> None:
    account = after_a_kill(scene, REFUSED, "sender killed, an idempotent gateway refuses")
    assert account.counts == {Status.FAILED: ROWS}
