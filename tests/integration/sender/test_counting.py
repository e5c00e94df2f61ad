"""Metrics of a sender when something goes wrong."""

from pathlib import Path

import pytest
from prometheus_client.core import HistogramMetricFamily

from campaign_sender.metrics import COUNTERS
from local_stack.ports import free_port
from tests.integration.providers.submissions import submitting_to
from tests.integration.sender.scene import Scene
from tests.integration.sender.world import SHARDS, World
from tests.support.counting import Increases
from tests.support.providers.recordings import recording_provider
from tests.support.scraping import Scrape, answers
from tests.support.waiting import wait_until
from tests.unit.sender.messages import message

SLOW = {"Latency": {"Distribution": "constant", "Mean": "3s"}}
BROKEN = {"FailureRates": {"ambiguous": 1.0}}


@pytest.fixture
def port(world: World) -> int:
    port = free_port()
    world.configure(MetricsPort=port, Host="127.0.0.1")
    return port


def told(port: int, series: str, **labels: str) -> float:
    return Scrape.of(port).sum(series, **labels) if answers(port) else -1.0


def all_owned(port: int) -> bool:
    return told(port, "campaign_shards_owned") == SHARDS


def test_what_is_under_way_and_what_is_behind(world: World, port: int) -> None:
    world.configure(Simulated=SLOW, Sender={"InFlight": 40, "BatchSize": 40})
    world.add_campaign(200)
    world.publish(range(1, 201))
    with world.sender():
        wait_until(lambda: told(port, "campaign_messages_in_flight") == 40)
        wait_until(lambda: told(port, "campaign_partition_lag") > 0)
        assert told(port, "campaign_partition_lag") <= 200
        assert told(port, "campaign_messages_recorded_total") < 200


def test_dead_letters(world: World, port: int) -> None:
    for partition in range(SHARDS):
        world.publish_raw(b"not a record", "13900000000", partition)
    world.flush()
    with world.sender():
        wait_until(lambda: told(port, "campaign_dead_letters_total") == SHARDS)


def test_a_breaker_that_opens(world: World, port: int) -> None:
    world.configure(Simulated=BROKEN, Sender={"InFlight": 100, "BatchSize": 50})
    world.add_campaign(1_000)
    world.publish(range(1, 1_001))
    with world.sender():
        wait_until(lambda: told(port, "campaign_circuit_breaker_state", state="open") == 1)
        assert told(port, "campaign_circuit_breaker_state", state="closed") == 0
        assert told(port, "campaign_send_results_total", status="ambiguous") >= 20
        wait_until(lambda: told(port, "campaign_send_results_total", status="circuit_open") > 0)


def test_a_shard_that_another_sender_takes(world: World, port: int) -> None:
    with world.sender():
        wait_until(lambda: all_owned(port))
        with world.database.transaction() as cursor:
            cursor.execute(
                "UPDATE shard_claims SET epoch = epoch + 1, owner_token = 'somebody else   '"
                " WHERE shard = 3"
            )
        wait_until(lambda: told(port, "campaign_shards_fenced_total") == 1)
        wait_until(lambda: told(port, "campaign_shards_taken_over_total") == SHARDS + 1)


def test_commits_that_the_database_has_lost(world: World, port: int) -> None:
    world.add_campaign(100)
    world.publish(range(1, 101))
    with world.sender():
        recorded = "SELECT SUM(recorded_offset) FROM shard_claims"
        wait_until(lambda: world.rows(recorded) == ((100,),))
        assert told(port, "campaign_commits_lost_total") == 0
    with world.database.transaction() as cursor:
        behind = cursor.execute(
            "UPDATE shard_claims SET recorded_offset = recorded_offset - 1"
            " WHERE recorded_offset > 0"
        )
    assert behind == SHARDS
    with world.sender():
        wait_until(lambda: told(port, "campaign_commits_lost_total") == behind)


def test_an_outcome_counts_once_after_an_unknown_commit(scene: Scene) -> None:
    """An outcome counts once whatever the answer to its commit."""
    recorded, increases = "campaign_messages_recorded_total", Increases(COUNTERS)
    scene.cycle()
    scene.answer(*scene.provider.submitted)
    scene.database.faults = ["answer lost, rolled back"]
    scene.cycle()
    assert increases.of(recorded) == {}
    scene.cycle()
    scene.database.faults = ["answer lost, committed"]
    scene.cycle()
    scene.cycle()
    assert increases.of(recorded) == {("collected", "sent"): 2}
    scene.fetch(message(3))
    scene.cycle()
    scene.lose_to_another(0)
    scene.answer(*(m for m in scene.provider.submitted if m.record.seq == 3))
    scene.cycle()
    assert increases.of(recorded) == {("collected", "sent"): 2}


def test_every_http_response_is_timed(tmp_path: Path) -> None:
    options = ("--latency", 0.06, "--drop", 0.2)
    with (
        recording_provider(tmp_path / "calls", *options) as provider,
        submitting_to(provider.url, connections=8) as submissions,
    ):
        submissions.run(*range(1, 201))
        answered = sum(call.fate == "202" for call in provider.calls())
        family = HistogramMetricFamily("seconds", "how long")
        submissions.provider.durations.tell(family)
    told = {sample.labels.get("le", sample.name): sample.value for sample in family.samples}
    assert 0 < answered < 200
    assert told["+Inf"] == told["seconds_count"] == answered
    assert told["0.05"] == 0
    assert told["seconds_sum"] >= answered * 0.06
