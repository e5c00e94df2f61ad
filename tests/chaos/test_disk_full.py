"""A database that has no room for outcomes."""

import time
from collections.abc import Sequence

from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

REFUSE = """
CREATE TRIGGER full_{shard} BEFORE INSERT ON messages_{shard} FOR EACH ROW
SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{text}'
"""
ANSWERS = {
    1114: "The table messages is full",
    1021: "Disk full (messages); waiting for someone to free some space...",
    3: 'Error writing file (Errcode: 28 "No space left on device")',
}
"""Errors of both servers when a table or the disk is full: number and text."""
QUIET = 2.0
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


def fill_the_disk(scene: Scene, senders: Sequence[Process]) -> set[int]:
    """Let each sender meet another one of the answers; returns the shards that are full."""
    full = set()
    for sender, (number, text) in zip(senders, ANSWERS.items(), strict=True):
        for shard in scene.shards_of(sender):
            scene.execute(REFUSE.format(shard=shard, number=number, text=text))
            full.add(shard)
    return full


def test_a_full_disk_stops_the_sends(scene: Scene) -> None:
    """A full disk stops the sends until outcomes can be recorded."""
    rows = scene.scale.choose(20_000, 100_000)
    scene.provider.set_faults(Faults(latency=0.02))
    _, senders = scene.start_all(senders=len(ANSWERS))
    wait_until(lambda: all(scene.shards_of(sender) for sender in senders))
    scene.begin(rows)
    scene.wait_for_calls(rows // 10)
    full = fill_the_disk(scene, senders)
    calls = wait_until_quiet(scene)
    claimed = [{message.seq for message in scene.claimed_by(sender)} for sender in senders]
    assert all(claimed), "a sender had claimed nothing: nothing was shown of its answer"
    recorded = scene.count("SELECT SUM(n) FROM campaign_counters")
    called = {call.sent.seq for call in scene.provider.calls()}
    assert calls < rows
    assert len(called) - recorded <= len(set().union(*claimed)), "called, and not claimed before"
    for shard in full:
        scene.execute(f"DROP TRIGGER full_{shard}")
    began = time.monotonic()
    wait_until(lambda: scene.calls() > calls)
    recovered = time.monotonic() - began
    scene.hurry()
    account = scene.finish()
    scene.found("disk full", account, faults=len(ANSWERS), recovered=recovered)
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
    assert scene.suspects() == 0
    assert [sender.poll() for sender in senders] == [None] * len(senders)
