"""The database is lost in mid-campaign, and a backup from the middle of it is put back."""

import re
import time
from collections.abc import Callable, Mapping, Sequence

import pytest
import requests

from campaign_admin.kafka.topic_report import PartitionReport, report_on
from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignState, Delivery
from campaign_common.domain.message import Status
from campaign_common.kafka import clients
from campaign_common.settings import load_settings
from local_stack.distributions.cache import Cache
from tests.chaos.scene import CAMPAIGN, Scene
from tests.support.providers.recording_provider import Faults
from tests.support.servers.database_clients import database_clients
from tests.support.servers.databases import fresh_schema
from tests.support.services.processes import kill
from tests.support.services.system import LOOK_AGAIN
from tests.support.waiting import wait_until

LATER = CAMPAIGN + 1
"""A campaign that was scheduled when the backup was taken."""


def partitions(scene: Scene) -> Sequence[PartitionReport]:
    """The partitions of the topic, as `campaign-topics describe` tells of them."""
    settings = load_settings(scene.system.config, {})
    databases, admin = Databases.configured(settings), clients.admin(settings)
    try:
        topic, group = settings.sync_client.topic, settings.send_client.group
        return report_on(databases, admin, topic, group).partitions
    finally:
        databases.close()


def lag(scene: Scene) -> int:
    """Number of records that the senders have not passed yet."""
    return sum(partition.lag or 0 for partition in partitions(scene))


def committed(scene: Scene) -> dict[int, int | None]:
    """The offset of each partition that Kafka was told last."""
    return {number: one.committed for number, one in enumerate(partitions(scene))}


def has_committed_beyond(scene: Scene, offsets: Mapping[int, int]) -> bool:
    """Return whether Kafka was told a later offset of each partition."""
    told = committed(scene)
    return all((told[number] or 0) > offset for number, offset in offsets.items())


def database_command(scene: Scene, *words: str) -> str:
    completed = scene.system.command("campaign-db", *words, "-c", str(scene.system.config))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def schedule_for_later(scene: Scene) -> None:
    answer = requests.post(
        f"{scene.system.url}/v1/camp/create",
        json={
            "campaign_name": "later",
            "campaign_id": LATER,
            "message_template": "hi {name}",
            "scheduled_time": int(time.time()) + 86_400,
            "csv_file_path": "recipients.csv",
        },
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("server", "delivery"),
    [
        ("mariadb", Delivery.AT_MOST_ONCE),
        ("mysql", Delivery.AT_LEAST_ONCE),
        pytest.param("mariadb", Delivery.AT_LEAST_ONCE, marks=pytest.mark.long_form),
        pytest.param("mysql", Delivery.AT_MOST_ONCE, marks=pytest.mark.long_form),
    ],
    indirect=["server"],
)
def test_sends_after_the_backup_are_left_to_a_person(
    scene: Scene, cache: Cache, server_dsn: str, delivery: Delivery
) -> None:
    """Sends after the backup are noticed, and a person decides about them."""
    programs = database_clients("mysql" if scene.server == "mysql" else "mariadb", cache)
    backup = scene.system.folder / "backup.sql"
    scene.system.configure(Delivery=delivery.value)
    called = lose_the_database(scene, lambda: programs.back_up(scene.system.dsn, backup))
    with fresh_schema(server_dsn) as dsn:
        programs.restore(dsn, backup)
        scene.system.use_database(dsn)
        held = hold(scene)
        assert 0 < len(held) < len(called)
        settled = settle(scene)
        assert {call.sent.phone for call in scene.provider.calls()} == called
        before, suspects = scene.calls(), scene.suspects()
        scene.system.change(CAMPAIGN, "resume")
        scene.hurry()
        account = scene.finish()
        made = [call.sent.phone for call in scene.provider.calls()[before:]]
        scene.found(f"restored from a backup, {delivery.value}", account, bound=suspects)
        assert_adds_up(scene)
        database_command(scene, "check")
    assert account.lost == 0
    # The resume has sent exactly what had no outcome.
    assert sorted(made) == sorted(set(scene.phones) - set(settled))
    if delivery is Delivery.AT_MOST_ONCE:
        assert account.duplicates == 0
        assert called <= set(settled)
        assert account.unknown == list(settled.values()).count(Status.UNKNOWN) > 0
    else:
        assert (account.unknown, set(settled)) == (0, set(held))
        assert 0 < account.duplicates == len(called - set(held)) <= suspects


def lose_the_database(scene: Scene, back_up: Callable[[], None]) -> set[str]:
    """Back up in mid-campaign, go on for a while, lose everything; returns who was called."""
    rows = scene.scale.choose(12_000, 90_000)
    scene.provider.set_faults(Faults(latency=0.25))
    scene.start_all(senders=2)
    scene.begin(rows)
    schedule_for_later(scene)
    scene.wait_for_calls(rows // 10)
    back_up()
    recorded = dict(scene.system.rows("SELECT partition_number, recorded_offset FROM shard_claims"))
    # Only what Kafka was told after the backup says that commits were lost. A sender works off much
    # of one partition before it comes to the next.
    wait_until(
        lambda: has_committed_beyond(scene, recorded),
        scene.scale.patience(60),
        interval=LOOK_AGAIN,
    )
    assert not scene.has_finished()
    for process in scene.running():
        kill(process)
    return {call.sent.phone for call in scene.provider.calls()}


def hold(scene: Scene) -> dict[str, int]:
    """Make the restored database safe; returns the statuses of everybody it has recorded."""
    database_command(scene, "migrate")
    assert "1 campaigns: ledger, counters, retries" in database_command(scene, "check")
    said = database_command(scene, "hold")
    assert re.search(rf"campaign {CAMPAIGN} .*was running, is paused; at the backup", said)
    assert re.search(rf"campaign {LATER} later: was scheduled, is draft; was to start", said)
    assert "0 campaigns are held" in database_command(scene, "hold")
    return scene.recorded()


def settle(scene: Scene) -> dict[str, int]:
    """Start the senders, and then the rest; returns the statuses of everybody then recorded."""
    scene.start("campaign-sender")
    wait_until(lambda: lag(scene) == 0, scene.scale.patience(60))
    scene.start("campaign-scheduler")
    scene.start("campaign-api")
    wait_until(scene.system.is_ready)
    states = [scene.system.campaign(id_)["state"] for id_ in (CAMPAIGN, LATER)]
    assert states == [CampaignState.PAUSED, CampaignState.DRAFT]
    assert_adds_up(scene)
    return scene.recorded()


def assert_adds_up(scene: Scene) -> None:
    campaign = scene.system.campaign(CAMPAIGN)
    counts = campaign["counts"]
    assert isinstance(counts, dict)
    assert isinstance(campaign["pending"], int)
    final = sum(n for word, n in counts.items() if word != Status.WAITING.word)
    assert final + campaign["pending"] == campaign["total"] == len(scene.phones)
