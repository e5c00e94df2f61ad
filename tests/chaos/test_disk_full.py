"""A database that has no room for outcomes."""

import time

from tests.chaos.scene import Scene
from tests.e2e.system import SHARDS
from tests.recording_provider import Faults
from tests.waiting import wait_until

REFUSE = """
CREATE TRIGGER full_{shard} BEFORE INSERT ON messages_{shard} FOR EACH ROW
SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'
"""
"""The number that both servers answer with when the disk or a table is full."""
QUIET = 3.0
"""Seconds without a new call that count as stopped; a call takes a fiftieth of one."""


def wait_until_quiet(scene: Scene) -> int:
    """Wait until no call has begun for a while; returns how many there are."""
    last, since = scene.calls(), time.monotonic()

    def is_quiet() -> bool:
        nonlocal last, since
        if (now := scene.calls()) != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > QUIET

    wait_until(is_quiet)
    return last


def test_a_full_disk_stops_the_calls_until_outcomes_can_be_recorded(scene: Scene) -> None:
    rows = scene.scale.choose(20_000, 100_000)
    scene.provider.set_faults(Faults(latency=0.02))
    _, senders = scene.start_all(senders=2)
    scene.begin(rows)
    scene.wait_for_calls(rows // 10)
    for shard in range(SHARDS):
        scene.execute(REFUSE.format(shard=shard))
    calls = wait_until_quiet(scene)
    claimed = {message.seq for sender in senders for message in scene.claimed_by(sender)}
    recorded = scene.count("SELECT SUM(n) FROM campaign_counters")
    called = {call.sent.seq for call in scene.provider.calls()}
    assert calls < rows
    assert len(called) - recorded <= len(claimed), "called without having been claimed"
    for shard in range(SHARDS):
        scene.execute(f"DROP TRIGGER full_{shard}")
    began = time.monotonic()
    wait_until(lambda: scene.calls() > calls)
    recovered = time.monotonic() - began
    account = scene.finish()
    scene.found("disk full", account, recovered=recovered)
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
    assert scene.suspects() == 0
