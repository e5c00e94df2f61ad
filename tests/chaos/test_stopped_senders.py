"""Senders stopped past their session timeout with sends in flight, replaced, and woken up."""

import signal

import pytest

from tests.chaos.scene import CAMPAIGN, Scene, boot_time
from tests.chaos.writers import COUNT_PAIRS, note_ledger_writers, pairs
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

USERS = ("first_sender", "second_sender")
ALLOWED = 2.0
"""Seconds after the acknowledgement of a pause in which calls may still start."""


def stop_past_the_session(scene: Scene, sender: Process) -> float:
    """Stop a sender with sends in flight until another one has its shards."""
    scene.wait_for_calls_in_flight(sender)
    shards = scene.shards_of(sender)
    sender.send_signal(signal.SIGSTOP)
    while not scene.has_calls_to_record(sender):  # all was recorded just before it stopped
        sender.send_signal(signal.SIGCONT)
        scene.wait_for_calls_in_flight(sender)
        sender.send_signal(signal.SIGSTOP)
    return scene.wait_for_take_over(shards)


def wake_up(scene: Scene, sender: Process) -> None:
    """Let a stopped sender go on, and wait until it has said what it learnt too late."""
    late = scene.count("SELECT COUNT(*) FROM late_results")
    sender.send_signal(signal.SIGCONT)
    wait_until(lambda: scene.count("SELECT COUNT(*) FROM late_results") > late)


def pause_around_waking(scene: Scene, sender: Process) -> None:
    """Pause, wake the sender up when no call may start any more, watch, resume."""
    scene.system.change(CAMPAIGN, "pause")
    paused = boot_time()
    wait_until(lambda: boot_time() > paused + ALLOWED)
    wake_up(scene, sender)
    wait_until(lambda: boot_time() > paused + ALLOWED + 3)
    resumed = boot_time()
    late = [c for c in scene.provider.calls() if paused + ALLOWED < c.boot < resumed]
    assert not late, f"{len(late)} calls began after the pause"
    scene.system.change(CAMPAIGN, "resume")


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_sender_that_wakes_up_writes_and_sends_nothing(scene: Scene) -> None:
    """A stopped sender that wakes up writes nothing and sends nothing."""
    rounds = scene.scale.choose(3, 10)
    note_ledger_writers(scene)
    scene.start_all(senders=0)
    senders = {
        user: scene.start("campaign-sender", scene.configuration_for(user)) for user in USERS
    }
    scene.begin(scene.scale.choose(40_000, 100_000))
    recovered = []
    for number in range(rounds):
        victim = senders[USERS[number % 2]]
        recovered.append(stop_past_the_session(scene, victim))
        if number == 1:
            pause_around_waking(scene, victim)
        else:
            wake_up(scene, victim)
    scene.hurry()
    account = scene.finish()
    suspects = {seq for (seq,) in scene.system.rows("SELECT seq FROM possibly_sent")}
    scene.found(
        "sender stopped and woken up",
        account,
        faults=rounds,
        bound=len(suspects),
        recovered=max(recovered),
    )
    written = pairs(scene, COUNT_PAIRS)
    under_old_epochs = {
        (writer, owner): n
        for (writer, owner), n in written.items()
        if not owner.endswith(f"-{senders[writer].pid}")
    }
    assert sum(written.values()) >= len(scene.phones), "the triggers saw every row"
    assert under_old_epochs == {}
    assert account.lost == 0
    assert account.repeated <= suspects
    assert account.duplicates <= len(suspects)
