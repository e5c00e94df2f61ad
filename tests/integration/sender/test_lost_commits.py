"""A database that comes back without its last commits: nobody is called twice (rule 16)."""

from collections.abc import Mapping

import pytest
from confluent_kafka import Consumer, TopicPartition

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.message import Status
from campaign_sender.in_flight.buffer import MAX_SPAN_FACTOR
from tests.integration.sender.world import SHARDS, World
from tests.support.waiting import wait_until

KEPT, LOST, NEW = 100, 200, 1_000
"""Up to here: recorded for good; called and recorded, and then lost; published and not called."""

IN_FLIGHT = 2


def send_up_to(world: World, seq: int) -> None:
    with world.sender():
        wait_until(lambda: sum(world.counts().values()) == seq)
        wait_until(lambda: sum(recorded_offsets(world).values()) == seq)


def recorded_offsets(world: World) -> Mapping[int, int]:
    return dict(world.rows("SELECT shard, recorded_offset FROM shard_claims"))  # type: ignore[arg-type]


def lose_commits_since(world: World, offsets: Mapping[int, int], seq: int) -> None:
    """Make the database what it was when `seq` messages were recorded."""
    with world.database.transaction() as cursor:
        for shard, offset in offsets.items():
            cursor.execute(f"DELETE FROM messages_{shard} WHERE seq > %s", (seq,))
            lost = cursor.rowcount
            cursor.execute(
                "UPDATE campaign_counters SET n = n - %s WHERE shard = %s", (lost, shard)
            )
            cursor.execute(
                "UPDATE shard_claims SET recorded_offset = %s WHERE shard = %s", (offset, shard)
            )


def committed_to_kafka(world: World) -> list[TopicPartition]:
    consumer = Consumer(
        {
            "bootstrap.servers": world.settings.send_client.brokers[0],
            "group.id": world.settings.send_client.group,
        }
    )
    places = [TopicPartition(world.topic, n) for n in range(SHARDS)]
    committed = consumer.committed(places, timeout=10)
    consumer.close()
    return committed


def statuses(world: World) -> Mapping[int, int]:
    tables = " UNION ALL ".join(f"SELECT seq, status FROM messages_{n}" for n in range(SHARDS))
    return dict(world.rows(tables))  # type: ignore[arg-type]


@pytest.fixture(params=[Delivery.AT_MOST_ONCE, Delivery.AT_LEAST_ONCE])
def after_the_loss(world: World, request: pytest.FixtureRequest) -> World:
    world.configure(Sender={"InFlight": IN_FLIGHT, "BatchSize": 50})
    world.add_campaign(NEW, request.param)
    world.publish(range(1, KEPT + 1))
    send_up_to(world, KEPT)
    offsets = recorded_offsets(world)
    world.publish(range(KEPT + 1, LOST + 1))
    send_up_to(world, LOST)
    lose_commits_since(world, offsets, KEPT)
    world.publish(range(LOST + 1, NEW + 1))
    send_up_to(world, NEW)
    return world


def test_the_gap_and_a_spread_are_in_doubt_and_the_rest_is_sent(after_the_loss: World) -> None:
    world = after_the_loss
    of = statuses(world)
    if world.rows("SELECT delivery = 'at_most_once' FROM campaigns") == ((1,),):
        doubted = {seq for seq, status in of.items() if status == Status.UNKNOWN}
        assert set(of.values()) == {Status.SENT, Status.UNKNOWN}
    else:
        doubted = {seq for (seq,) in world.rows("SELECT seq FROM possibly_sent")}
        assert set(of.values()) == {Status.SENT}
    assert doubted >= set(range(KEPT + 1, LOST + 1))
    assert doubted.isdisjoint(range(1, KEPT + 1))
    assert len(doubted) <= LOST - KEPT + MAX_SPAN_FACTOR * IN_FLIGHT * SHARDS
    assert world.counts() == world.ledger()
    logs = "".join(log.read_text() for log in world.config.parent.glob("campaign-sender-*.log"))
    assert "database lost commits: offset in Kafka is ahead of MySQL" in logs
    committed = committed_to_kafka(world)
    assert {place.metadata for place in committed} <= {None, ""}
    assert sum(place.offset for place in committed) == NEW
