"""Schedulers killed, stopped and crowded while they fan out."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient

from campaign_common.kafka import clients, topics
from campaign_common.settings import load_settings
from local_stack.servers.kafka import KafkaServer
from tests.chaos.scene import CAMPAIGN, Scene
from tests.chaos.writers import COUNT_HOLDERS, note_checkpoint_writers, pairs
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import Process, kill
from tests.support.services.system import SHARDS
from tests.support.waiting import wait_until

SHORT_STEPS = {"Lease": "2s", "ChunkSize": 200, "Window": "2s"}
"""The fan-out follows the senders closely, so that it lasts as long as the campaign."""
LEADER = "SELECT lease_owner FROM campaigns WHERE id = %s AND published_count < total"
USERS = ("first_scheduler", "second_scheduler")
HELD = 0.4
"""Seconds in which fan-out looks at least once at what is outstanding."""


def leads(scene: Scene, scheduler: Process) -> bool:
    """Return whether this process holds the campaign and is not yet through with it."""
    with scene.system.database.reading() as cursor:
        cursor.execute(LEADER, (CAMPAIGN,))
        row = cursor.fetchone()
    return row is not None and f"-{scheduler.pid}-" in str(row[0])


def wait_for_leader(scene: Scene, schedulers: list[Process]) -> Process:
    """Wait until one of these is fanning out."""
    wait_until(lambda: any(leads(scene, one) for one in schedulers))
    return next(one for one in schedulers if leads(scene, one))


def fanned(scene: Scene) -> int:
    return scene.count(f"SELECT published_count FROM campaigns WHERE id = {CAMPAIGN}")


def wait_until_it_moves(scene: Scene) -> float:
    """Wait for the next checkpoint; returns how many seconds that took."""
    began, before = time.monotonic(), fanned(scene)
    wait_until(lambda: fanned(scene) > before)
    return time.monotonic() - began


@contextmanager
def reports_outstanding(scene: Scene, broker: KafkaServer) -> Iterator[None]:
    """Hold the broker still until the leader must have published what nobody has reported.

    What is outstanding shrinks meanwhile, by half or by all that senders have fetched, so fan-out
    has room for more and goes on.
    """
    broker.process.signal(signal.SIGSTOP)
    try:
        began = moved = time.monotonic()
        calls = scene.calls()
        enough = calls + (fanned(scene) - calls) // 2

        def has_shrunk() -> bool:
            nonlocal calls, moved
            now, calls_now = time.monotonic(), scene.calls()
            if calls_now != calls:
                calls, moved = calls_now, now
            return now > began + HELD and (calls >= enough or now > moved + HELD)

        wait_until(has_shrunk)
        yield
    finally:
        broker.process.signal(signal.SIGCONT)


def test_killed_schedulers_leave_nobody_out_and_nobody_twice(
    scene: Scene, own_broker: KafkaServer
) -> None:
    kills = scene.scale.choose(3, 20)
    rows = scene.scale.choose(20_000, 1_000_000)
    scene.provider.set_faults(Faults(latency=scene.scale.choose(0.06, 0.0)))
    scene.system.configure(Scheduler=SHORT_STEPS)
    started, _ = scene.start_all(schedulers=2, senders=2)
    schedulers = list(started)
    scene.begin(rows)
    recovered = []
    for number, point in enumerate(scene.points(kills, share=0.7)):
        scene.wait_for_calls(point)
        leader = wait_for_leader(scene, schedulers)
        if number % 2:
            kill(leader)
        else:
            with reports_outstanding(scene, own_broker):
                kill(leader)
        schedulers.remove(leader)
        schedulers.append(scene.start("campaign-scheduler"))
        recovered.append(wait_until_it_moves(scene))
    scene.hurry()
    account = scene.finish()
    scene.found("scheduler killed", account, faults=kills, recovered=max(recovered))
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
    assert sorted(call.sent.seq for call in scene.provider.calls()) == list(range(1, rows + 1))


def test_a_stopped_scheduler_that_wakes_up_counts_nothing(
    scene: Scene, own_broker: KafkaServer
) -> None:
    rounds = scene.scale.choose(3, 10)
    scene.provider.set_faults(Faults(latency=0.06))
    scene.system.configure(Scheduler=SHORT_STEPS)
    note_checkpoint_writers(scene)
    scene.start_all(schedulers=0, senders=2)
    schedulers = {
        user: scene.start("campaign-scheduler", scene.configuration_for(user)) for user in USERS
    }
    scene.begin(scene.scale.choose(20_000, 100_000))
    recovered = []
    for _ in range(rounds):
        leader = wait_for_leader(scene, list(schedulers.values()))
        with reports_outstanding(scene, own_broker):
            leader.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        # Another one must take the lease; a statement of the leader may be under way till then.
        wait_until(lambda stopped=leader: not leads(scene, stopped))
        wait_until_it_moves(scene)
        recovered.append(time.monotonic() - began)
        leader.send_signal(signal.SIGCONT)
        wait_until_it_moves(scene)
    scene.hurry()
    account = scene.finish()
    scene.found("leading scheduler stopped", account, faults=rounds, recovered=max(recovered))
    written = pairs(scene, COUNT_HOLDERS)
    assert written, "the trigger saw the checkpoints"
    assert all(f"-{schedulers[writer].pid}-" in holder for writer, holder in written)
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)


def records_in_topic(scene: Scene) -> int:
    settings = load_settings(scene.system.config, {})
    admin: AdminClient = clients.admin(settings)
    return sum(topics.log_ends(admin, settings.sync_client.topic, range(SHARDS)).values())


def test_a_thousand_campaigns_due_at_once_start_once_each(scene: Scene) -> None:
    campaigns = scene.scale.choose(1000, 1000)
    rows = scene.scale.choose(20, 100)
    scene.provider.set_faults(Faults(latency=0.01))
    scene.start_all(schedulers=0, senders=2)
    scene.write_csv(rows)
    ids = range(CAMPAIGN, CAMPAIGN + campaigns)
    for campaign_id in ids:
        scene.system.create(campaign_id, "recipients.csv")
    scene.execute("UPDATE campaigns SET scheduled_at = NOW(6) + INTERVAL 3 SECOND")
    for _ in range(5):
        scene.start("campaign-scheduler")
    finished = "SELECT COUNT(*) FROM campaigns WHERE state = 'finished'"
    wait_until(lambda: scene.count(finished) == campaigns, scene.scale.patience(120))
    started = "SELECT COUNT(*) FROM campaign_events WHERE to_state = 'running'"
    assert scene.count(started) == campaigns
    # A lease lost on a busy machine has a campaign published again, and nobody called again.
    assert records_in_topic(scene) >= campaigns * rows
    called = [(call.sent.campaign_id, call.sent.phone) for call in scene.provider.calls()]
    assert len(called) == len(set(called)) == campaigns * rows
    assert set(called) == {(campaign_id, phone) for campaign_id in ids for phone in scene.phones}
    sent = "SELECT COUNT(*) FROM campaign_messages WHERE status = 1"
    assert scene.count(sent) == campaigns * rows
    account = scene.account(CAMPAIGN)
    scene.found("1,000 campaigns due at once, 5 schedulers", account, faults=campaigns)
