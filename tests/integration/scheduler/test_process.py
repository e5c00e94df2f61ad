"""campaign-scheduler as a process: it stops in order, survives outages, and may be killed."""

import json
import signal
from typing import Any

import pytest

from campaign_common.domain.message import Status
from local_stack.servers.kafka import KafkaServer
from tests.integration.scheduler.world import CHUNK, World
from tests.support.waiting import wait_until


def log_lines(world: World) -> list[dict[str, Any]]:
    return [json.loads(line) for line in world.log_file().read_text().splitlines()]


def events(world: World) -> list[str]:
    return [line["event"] for line in log_lines(world)]


def lines_of(world: World, event: str, part: str) -> list[dict[str, Any]]:
    return [
        line for line in log_lines(world) if (line["event"], line.get("component")) == (event, part)
    ]


def test_a_scheduler_starts_fans_out_and_finishes_by_itself(world: World) -> None:
    world.add_list(500)
    with world.process():
        world.add_campaign()
        wait_until(world.all_fanned_out)
        assert set(world.times_published().values()) == {1}
        world.count_outcomes(Status.SENT, 500)
        wait_until(lambda: world.campaign("state") == ("finished",))


def test_sigterm_ends_it_in_order_and_frees_its_campaigns(world: World) -> None:
    world.add_list(100_000)
    world.add_campaign()
    with world.process() as process:
        wait_until(lambda: world.campaign("published_count") != (0,))
        process.terminate()
        assert process.wait(15) == 0
    assert world.campaign("state", "lease_until <= NOW(6)") == ("running", 1)
    counted = world.campaign("published_count")[0]
    assert len(world.published()) == counted, "everything published was counted"
    assert events(world)[-1] == "scheduler stopped"


def test_a_second_signal_ends_it_at_once(world: World) -> None:
    world.delete_topic()
    with world.process() as process:
        wait_until(lambda: "scheduler started" in events(world))
        process.send_signal(signal.SIGSTOP)
        process.terminate()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        assert process.wait(10) in {128 + signal.SIGTERM, 128 + signal.SIGINT}


def test_a_killed_scheduler_loses_nothing(world: World) -> None:
    world.add_list(30_000)
    world.change("UPDATE recipients SET name = REPEAT('x', 200)")
    world.add_campaign()
    with world.process() as first:
        wait_until(lambda: world.campaign("published_count") != (0,))
        first.kill()
        first.wait()
    with world.process():
        wait_until(lambda: world.campaign("lease_epoch") == (2,))
        wait_until(lambda: all_published(world), interval=0.1)


def all_published(world: World) -> bool:
    """Be senders that keep up, so that the window stays open, until all is fanned out."""
    for shard, end in world.log_ends().items():
        world.count_outcomes(Status.SENT, end, shard=shard)
    return world.all_fanned_out()


def test_a_configuration_error_is_one_line_and_exit_2(world: World) -> None:
    world.config.write_text("Nonsense: 1\n")
    with world.process() as process:
        assert process.wait(10) == 2
    (line,) = world.log_file().read_text().splitlines()
    assert "Nonsense" in line


@pytest.mark.parametrize("missing", ["schema", "topic"])
def test_it_waits_for_what_is_missing_and_says_so(world: World, missing: str) -> None:
    world.add_list(10)
    world.add_campaign()
    if missing == "schema":
        world.change("RENAME TABLE messages_3 TO elsewhere")
    else:
        world.delete_topic()
    with world.process():
        wait_until(lambda: world.log_file().read_text().count("\n") >= 1)
        if missing == "schema":
            assert world.campaign("state") == ("scheduled",)
            world.change("RENAME TABLE elsewhere TO messages_3")
        else:
            world.make_topic()
        wait_until(world.all_fanned_out, timeout=60)


def test_a_broker_that_goes_away_is_waited_for_and_named_once(
    world: World, kafka_server: KafkaServer
) -> None:
    world.add_list(CHUNK)  # of a second one nothing would be let out while nobody sends
    with world.process():
        wait_until(lambda: "scheduler started" in events(world))
        kafka_server.kill()
        world.add_campaign()
        wait_until(lambda: lines_of(world, "dependency unavailable", "deliver-chunks"))
        assert world.campaign("state", "published_count") == ("running", 0)
        kafka_server.start()
        wait_until(world.all_fanned_out, timeout=60)
        wait_until(lambda: lines_of(world, "dependency recovered", "deliver-chunks"))
    assert world.times_published().keys() == set(range(2, 2 * CHUNK + 1, 2))
    for part in ("deliver-chunks", "migrate-partitions"):
        assert len(lines_of(world, "dependency unavailable", part)) <= 2
