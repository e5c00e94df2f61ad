"""A provider that refuses the account in the middle of a campaign, twice."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from campaign_common.domain.message import Status
from tests.chaos.accounts import TAKEN
from tests.chaos.scene import CAMPAIGN, CONNECTIONS, Scene, boot_time
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

REFUSED_ACCOUNTS = "SELECT account FROM provider_account_breakers WHERE open_until > NOW(6)"
GOES_ON_AFTER = 5.0
"""Seconds from another secret to the first message that is accepted."""
MOST_REFUSED = 4 * CONNECTIONS
"""Requests that are refused at most before two senders stop, and as trials after that."""


def accepted(scene: Scene) -> list[float]:
    """Return the times since boot of the messages that the provider accepted."""
    return [call.boot for call in scene.provider.calls() if call.fate == TAKEN]


def refuse(scene: Scene, token: str) -> None:
    """Accept another token only; return when the account that senders have is refused."""
    before = set(scene.system.rows(REFUSED_ACCOUNTS))
    scene.provider.set_faults(Faults(latency=0.02, authorization=f"Bearer {token}"))
    wait_until(lambda: set(scene.system.rows(REFUSED_ACCOUNTS)) - before)


def restart(scene: Scene, senders: Sequence[Process]) -> None:
    """Stop senders in order, start others, and return when those own all shards."""
    shards = {shard: epoch for one in senders for shard, epoch in scene.shards_of(one).items()}
    for sender in senders:
        sender.terminate()
    for sender in senders:
        sender.wait(30)
    for _ in senders:
        scene.start("campaign-sender")
    scene.wait_for_take_over(shards)


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_refused_account_fails_nobody(scene: Scene, tmp_path: Path) -> None:
    """It costs no attempt. Another secret ends it within 5 s: in its file, or with a restart."""
    rows = scene.scale.choose(10_000, 100_000)
    secret = tmp_path / "token"
    secret.write_text("first\n")
    scene.send_by_template(
        {"Authorization": "Bearer {secret.token}"}, Secrets={"token": {"File": str(secret)}}
    )
    scene.provider.set_faults(Faults(latency=0.02, authorization="Bearer first"))
    _, senders = scene.start_all(senders=2)
    scene.begin(rows)
    for part, token in ((3, "second"), (6, "third")):
        wait_until(lambda at=rows * part // 10: len(accepted(scene)) >= at, interval=0.1)
        refuse(scene, token)
        before = len(accepted(scene))
        assert before < rows
        secret.write_text(f"{token}\n")
        if token == "third":
            restart(scene, senders)
        mended = boot_time()
        wait_until(lambda n=before: len(accepted(scene)) > n, interval=0.1)
        assert accepted(scene)[before] - mended < GOES_ON_AFTER
    patience = scene.scale.patience(120)
    wait_until(scene.has_finished, patience, interval=0.1)
    assert Counter(scene.statuses(CAMPAIGN).values()) == {Status.SENT: rows}
    assert scene.count("SELECT MAX(attempts) FROM campaign_messages") == 1
    calls = scene.provider.calls()
    keys = [call.key for call in calls if call.fate == TAKEN]
    assert len(keys) == len(set(keys)) == rows
    assert 0 < len(calls) - len(keys) <= 2 * MOST_REFUSED
