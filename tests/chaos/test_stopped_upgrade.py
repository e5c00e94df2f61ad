"""From 0.1.0 to this version: all services stopped, with campaigns of every state inside."""

import re
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
import requests

from campaign_common.domain.claim import ClaimedMessage, decode_claim
from campaign_common.domain.message import Status
from local_stack.ports import free_port
from tests.chaos.accounts import TAKEN, Account
from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults
from tests.support.servers.databases import fresh_schema
from tests.support.services.previous_version import BEFORE_THE_STOP, PreviousVersion
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

FINISHED, CANCELLED, PAUSED, LATER, DRAFT, RUNNING, ONCE = range(1000000001, 1000000008)
SOME = 60
"""Calls after which a campaign is in its middle."""
SLOW = Faults(latency=0.5, errors={503: 0.2})
"""A sender makes 96 calls a second, and some of its messages wait for another try."""
SLOWER = msgspec.structs.replace(SLOW, latency=4.0)
WAITING = "SELECT SUM(n) FROM campaign_counters WHERE status = %d AND campaign_id IN (%d, %d)"
SUSPECTS = "SELECT COUNT(*) FROM suspects"
MIGRATION = "0008_names_and_providers"
COUNTED = "SELECT campaign_id, shard, status, n FROM campaign_counters ORDER BY 1, 2, 3"


class OldSystem:
    """Services of 0.1.0 on a scene's servers."""

    def __init__(self, scene: Scene, previous: PreviousVersion, stack: ExitStack) -> None:
        self._scene = scene
        self._previous = previous
        self._stack = stack

    def prepare(self) -> None:
        for words in (("campaign-db", "migrate"), ("campaign-topics", "create")):
            made = self._previous.command(*words, "-c", str(self._scene.system.config))
            assert made.returncode == 0, made.stderr

    def start(self, program: str, config: Path | None = None) -> Process:
        running = self._previous.running(program, config or self._scene.system.config)
        return self._stack.enter_context(running)

    def start_api(self, **sections: object) -> Process:
        """Start an API with a configuration of its own, and ask it from now on."""
        api = self.start("campaign-api", api_configuration(self._scene, **sections))
        wait_until(self._scene.system.is_ready)
        return api


def api_configuration(scene: Scene, **sections: object) -> Path:
    port = free_port()
    scene.system.url = f"http://127.0.0.1:{port}"
    return scene.configuration(f"api-{port}", Port=port, **sections)


def begin(scene: Scene, campaign_id: int, *, due_in: float = 0.0) -> None:
    answer = requests.post(
        f"{scene.system.url}/v1/camp/create",
        json={
            "campaign_name": "upgraded",
            "campaign_id": campaign_id,
            "message_template": "hi {name}",
            "scheduled_time": int(time.time() + due_in),
            "csv_file_path": "recipients.csv",
        },
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


def wait_for_some(scene: Scene, campaign_id: int) -> None:
    """Wait until a campaign is in its middle."""

    def called() -> int:
        return sum(key.startswith(f"{campaign_id}-") for key in scene.provider.times_called())

    wait_until(lambda: called() >= SOME)


def begin_and_change(scene: Scene, campaign_id: int, verb: str) -> None:
    """Begin a campaign, and do that to it in its middle."""
    begin(scene, campaign_id)
    wait_for_some(scene, campaign_id)
    scene.system.change(campaign_id, verb)


def claimed(scene: Scene) -> list[ClaimedMessage]:
    with scene.system.database.reading() as cursor:
        cursor.execute("SELECT claimed FROM shard_claims")
        return [message for (packed,) in cursor.fetchall() for message in decode_claim(packed)]


def taken_twice(scene: Scene, campaign_id: int) -> int:
    """Count the sends that the provider took beyond the first one of each message."""
    calls = scene.calls_of(campaign_id, 0)
    times = Counter(call.key for call in calls if call.fate == TAKEN)
    return sum(times.values()) - len(times)


def unclear(scene: Scene, lost: list[ClaimedMessage], campaign_id: int) -> set[int]:
    """Name the messages that were lost with their senders, or had a result that is ambiguous."""
    ambiguous = {
        call.sent.seq for call in scene.calls_of(campaign_id, 0) if int(call.fate) in SLOW.errors
    }
    return ambiguous | {one.seq for one in lost if one.campaign_id == campaign_id}


def stop(process: Process) -> None:
    process.terminate()
    assert process.wait(30) == 0


def migrate(scene: Scene, *words: str) -> tuple[int, str]:
    ended = scene.system.command("campaign-db", "migrate", "-c", str(scene.system.config), *words)
    return ended.returncode, ended.stdout + ended.stderr


def begin_campaigns(scene: Scene, old: OldSystem) -> list[Process]:
    """Begin campaigns of every state; return the APIs that run for it."""
    apis = [old.start_api()]
    begin(scene, FINISHED)
    wait_until(lambda: scene.has_finished(FINISHED))
    scene.provider.set_faults(SLOW)
    begin_and_change(scene, CANCELLED, "cancel")
    begin_and_change(scene, PAUSED, "pause")
    begin(scene, LATER, due_in=86_400)
    begin(scene, DRAFT, due_in=86_400)
    scene.execute("UPDATE campaigns SET state = 'draft', scheduled_at = NULL WHERE id = %s", DRAFT)
    # Slow from here on: it takes a while to lose two senders, and enough is to be left by then.
    scene.provider.set_faults(SLOWER)
    begin(scene, RUNNING)
    apis.append(old.start_api(Delivery="at_most_once"))
    begin(scene, ONCE)
    wait_until(lambda: {one.campaign_id for one in claimed(scene)} == {RUNNING, ONCE})
    return apis


def stop_in_the_middle(scene: Scene, old: OldSystem) -> tuple[list[ClaimedMessage], Process]:
    """Kill one of two senders of 0.1.0 in the middle, and stop everything but the other one.

    Returns what the killed one had claimed and not recorded, and the sender that is left.
    """
    scheduler = old.start("campaign-scheduler")
    killed, left = (old.start("campaign-sender") for _ in range(2))
    apis = begin_campaigns(scene, old)
    lost = scene.kill_in_flight(killed)
    wait_until(lambda: scene.count(SUSPECTS) > 0)
    assert_refused(scene, left)
    for process in (*apis, scheduler):
        stop(process)
    assert scene.count(WAITING % (Status.WAITING, RUNNING, ONCE)) > 0
    return lost, left


def assert_refused(scene: Scene, sender: Process) -> None:
    """Nothing is migrated while services of 0.1.0 are at work."""
    code, said = migrate(scene)
    assert code == 1
    assert re.search(rf"scheduler \S+, sender \S+-{sender.pid}: still running", said), said
    assert "--force migrates all the same" in said
    assert scene.count(SUSPECTS) > 0, "nothing was renamed"


def reason_not_ready(scene: Scene) -> str:
    try:
        return requests.get(f"{scene.system.url}/readyz", timeout=5).text
    except requests.ConnectionError:
        return ""


def migrate_and_kill(scene: Scene, sender: Process) -> list[ClaimedMessage]:
    """Migrate without the last sender, or in spite of it; return what it had not recorded."""
    if scene.server == "mysql":
        scene.wait_for_calls_in_flight(sender)
        assert_migrates(scene, "--force")
        assert sender.wait(60) != 0, "it can claim nothing any more"
        return claimed(scene)
    lost = scene.kill_in_flight(sender)
    counted, suspects = scene.system.rows(COUNTED), scene.count(SUSPECTS)
    assert_migrates(scene)
    assert (scene.system.rows(COUNTED), scene.suspects()) == (counted, suspects)
    assert sorted(claimed(scene)) == sorted(lost)
    return lost


def assert_migrates(scene: Scene, *words: str) -> None:
    code, said = migrate(scene, *words)
    assert code == 0, said
    assert f"applied {MIGRATION}" in said
    assert "added columns to 16 tables of shards" in said


def finish(scene: Scene) -> dict[int, Account]:
    """Have this version finish what can be finished."""
    for program in ("campaign-sender", "campaign-scheduler"):
        scene.start(program)
    for campaign_id, verb in ((PAUSED, "resume"), (LATER, "start"), (DRAFT, "start")):
        scene.system.change(campaign_id, verb)
    scene.hurry()
    return {one: scene.finish(one) for one in (RUNNING, ONCE, PAUSED, LATER, DRAFT)}


@pytest.mark.parametrize(
    "server", [pytest.param("mariadb", marks=pytest.mark.long_form), "mysql"], indirect=True
)
def test_campaigns_of_0_1_0_go_on_after_a_stop(
    scene: Scene, server_dsn: str, tmp_path: Path
) -> None:
    """Campaigns of every state, killed senders' claims, messages in doubt, waiting retries.

    On MySQL the migration is forced upon a sender that is at work.
    """
    system = scene.system
    scene.hurry()
    scene.write_csv(scene.scale.choose(600, 6_000))
    with fresh_schema(server_dsn) as dsn, ExitStack() as stack:
        system.use_database(dsn)
        old = OldSystem(scene, PreviousVersion(tmp_path, BEFORE_THE_STOP), stack)
        old.prepare()
        lost, sender = stop_in_the_middle(scene, old)
        scene.start("campaign-api", api_configuration(scene))
        wait_until(lambda: f"migration {MIGRATION}" in reason_not_ready(scene))
        lost += migrate_and_kill(scene, sender)
        assert {message.campaign_id for message in lost} == {RUNNING, ONCE}
        wait_until(system.is_ready)
        # Services of 0.1.0 that somebody has overlooked fail, and do no harm.
        overlooked = [old.start("campaign-sender"), old.start("campaign-scheduler")]
        accounts = finish(scene)
        assert overlooked[0].wait(60) != 0
        scene.found("upgraded from 0.1.0", accounts[ONCE], faults=2)
        assert {one: account.lost for one, account in accounts.items()} == dict.fromkeys(
            accounts, 0
        )
        unknown = {one: account.unknown for one, account in accounts.items()}
        assert unknown == dict.fromkeys(accounts, 0) | {ONCE: len(unclear(scene, lost, ONCE))}
        in_doubt = [message for message in lost if message.campaign_id == RUNNING]
        assert scene.suspects() == len(set(in_doubt))
        twice = {one: taken_twice(scene, one) for one in accounts}
        assert twice[RUNNING] <= len(in_doubt)
        assert twice | {RUNNING: 0} == dict.fromkeys(accounts, 0)
        over = [system.campaign(one)["state"] for one in (FINISHED, CANCELLED)]
        assert over == ["finished", "cancelled"]
        checked = system.command("campaign-db", "check", "-c", str(system.config))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        scene.stop_all()
