"""campaign-topics: makes the topic, shows it, and raises its partition count safely."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from campaign_common.kafka import topics
from campaign_common.kafka.topics import DAY
from local_stack.servers.kafka import KafkaServer
from tests.integration.scheduler.world import SHARDS, World
from tests.support.services.processes import completed
from tests.support.waiting import wait_until


def campaign_topics(world: World, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return completed("campaign-topics", [*arguments, "-c", world.config])


def described(world: World) -> dict[str, Any]:
    done = campaign_topics(world, "describe", "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_create_makes_topic_and_map_and_again_changes_nothing(world: World) -> None:
    world.delete_topic()
    world.change("DELETE FROM partition_map")
    created, again = (campaign_topics(world, "create", "--partitions", "5") for _ in range(2))
    assert (created.returncode, again.returncode) == (0, 0), created.stderr
    assert "created: 5 partitions, partition map version 1" in created.stdout
    assert "exists: 5 partitions, partition map version 1" in again.stdout
    assert (world.partitions_in_kafka(), world.partition_map.partitions) == (5, 5)


@contextmanager
def compacting(kafka_server: KafkaServer) -> Iterator[None]:
    """Have the broker compact topics that do not say otherwise."""
    admin = AdminClient({"bootstrap.servers": kafka_server.brokers})

    def set_policy(operation: AlterConfigOpType) -> None:
        policy = ConfigEntry("log.cleanup.policy", "compact", incremental_operation=operation)
        broker = ConfigResource(ResourceType.BROKER, "1", incremental_configs=[policy])
        for future in admin.incremental_alter_configs([broker]).values():
            future.result(30)

    set_policy(AlterConfigOpType.SET)
    try:
        yield
    finally:
        set_policy(AlterConfigOpType.DELETE)


def test_create_deletes_also_where_brokers_compact(world: World, kafka_server: KafkaServer) -> None:
    """A topic keyed by numbers must not keep the last record of each without end."""
    world.delete_topic()
    world.change("DELETE FROM partition_map")
    with compacting(kafka_server):
        done = campaign_topics(world, "create")
    assert done.returncode == 0, done.stderr
    for topic, retention in ((world.topic, DAY), (f"{world.topic}-DLQ", 7 * DAY)):
        settings = topics.settings_of(world.admin, topic)
        assert (settings.cleanup, settings.retention_seconds) == ({"delete"}, retention)
    assert f"topic {world.topic} retention: cleanup.policy delete, retention 86400 s" in (
        campaign_topics(world, "describe").stdout
    )


def test_create_has_a_partition_for_each_shard_by_default(world: World) -> None:
    world.delete_topic()
    world.change("DELETE FROM partition_map")
    assert campaign_topics(world, "create").returncode == 0
    assert world.partitions_in_kafka() == SHARDS


def test_describe_shows_offsets_lag_and_owners(world: World) -> None:
    world.add_list(100)
    world.add_campaign()
    world.scheduler().start_and_fan_out()
    world.change("UPDATE shard_claims SET owner_name = 'sender-a' WHERE shard = 3")
    answer = described(world)
    assert answer["topic_id"] == answer["partition_map"]["topic_id"]
    assert sum(partition["log_end"] for partition in answer["partitions"]) == 100
    fourth = answer["partitions"][3]
    assert (fourth["shards"], fourth["owners"], fourth["committed"]) == ([3], ["sender-a"], None)
    table = campaign_topics(world, "describe").stdout
    assert "sender-a" in table
    assert "partition map version 1: 8 partitions, active" in table


def test_raise_waits_for_senders_and_needs_no_scheduler(world: World) -> None:
    """Raise waits for the senders and flips without a scheduler."""
    world.add_list(100)
    world.add_campaign()
    world.scheduler().start_and_fan_out()
    with ThreadPoolExecutor(1) as thread:
        raising = thread.submit(campaign_topics, world, "raise", "--partitions", "12")
        wait_until(lambda: not world.partition_map.is_active)
        assert not raising.done()
        world.record_everything()
        done = raising.result()
    assert done.returncode == 0, done.stderr
    assert "have not recorded everything yet of shards 0, 1, 2, 3, 4, 5, 6, 7" in done.stdout
    assert "partition map version 2: 12 partitions in use" in done.stdout
    assert (world.partition_map.version, world.partition_map.partitions) == (2, 12)


def test_a_raise_without_senders_ends_and_can_be_repeated(world: World) -> None:
    """Raise that finds no senders ends in time and can be repeated."""
    world.record_shard(2, 0, claimed=b"something")
    late = campaign_topics(world, "raise", "--partitions", "12", "--timeout", "1")
    assert late.returncode == 1
    assert "not done within 1 s: the senders have not recorded" in late.stderr
    world.record_everything()
    assert campaign_topics(world, "raise", "--partitions", "12").returncode == 0
    assert world.partition_map.partitions == 12


def test_partitions_are_never_taken_away(world: World) -> None:
    refused = campaign_topics(world, "raise", "--partitions", "3")
    assert refused.returncode == 2
    assert "has 8 partitions" in refused.stderr
    assert world.partition_map.is_active


def test_a_missing_topic_is_one_clear_line(world: World) -> None:
    world.delete_topic()
    done = campaign_topics(world, "describe")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"campaign-topics describe: topic {world.topic} does not exist"
    ]
