"""A retry is published when it is due, and again when its record would meet no sender."""

from secrets import token_hex

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.message_record import MessageRecord
from campaign_common.domain.shard import shard_of
from campaign_common.store.messages.retry_publication import Stamp, stamp_published
from tests.integration.scheduler.world import CAMPAIGN, SHARDS, Scheduler, World
from tests.integration.topic_limits import set_limit

SEQ = 6
SHARD = shard_of(str(13900000000 + SEQ), SHARDS)

STAMP = (
    "published_at IS NOT NULL, published_epoch, published_topic_id, published_partition,"
    " published_offset"
)


@pytest.fixture
def scheduler(world: World) -> Scheduler:
    """A scheduler whose campaign of ten recipients is all fanned out."""
    world.add_list(10)
    world.add_campaign()
    made = world.scheduler()
    made.start_and_fan_out()
    return made


def wait_for_retry(world: World, seq: int = SEQ, *, due_in: int = 0, shard: int = SHARD) -> None:
    """Be a sender whose first try of a message failed for a passing reason."""
    world.change(
        f"INSERT INTO message_retries_{shard} (campaign_id, seq, due_at, generation, try_number,"
        " attempts) VALUES (%s, %s, NOW(6) + INTERVAL %s SECOND, 0, 2, 1)",
        (CAMPAIGN, seq, due_in),
    )
    world.change(
        "INSERT INTO campaign_counters (campaign_id, shard, status, n) VALUES (%s, %s, %s, 1)"
        " ON DUPLICATE KEY UPDATE n = n + 1",
        (CAMPAIGN, shard, int(Status.WAITING)),
    )


def retries_published(world: World) -> list[MessageRecord]:
    return [record for record in world.published() if record.try_number > 1]


def test_a_retry_that_is_too_large_says_so_and_its_neighbours_go(
    world: World, scheduler: Scheduler
) -> None:
    """The limit was lowered after the first try."""
    same_shard = [s for s in range(2, 21, 2) if shard_of(str(13900000000 + s), SHARDS) == SHARD]
    for seq in same_shard:
        wait_for_retry(world, seq)
    assert len(same_shard) > 1
    world.change("UPDATE recipients SET name = %s WHERE seq = %s", (token_hex(120), SEQ))
    set_limit(world.admin, world.topic, 400)
    scheduler.retry_publisher.publish_due()
    published = {record.seq: record for record in retries_published(world)}
    assert {seq: r.undeliverable for seq, r in published.items()} == {
        seq: "message is too large" if seq == SEQ else None for seq in same_shard
    }
    assert (published[SEQ].try_number, published[SEQ].attempts, published[SEQ].body) == (2, 1, "")
    stamped = world.rows(f"SELECT seq FROM message_retries_{SHARD} WHERE published_at IS NOT NULL")
    assert {seq for (seq,) in stamped} == set(same_shard)


def test_a_due_retry_is_published_once_and_stamped(world: World, scheduler: Scheduler) -> None:
    wait_for_retry(world)
    for _ in range(3):
        scheduler.retry_publisher.publish_due()
        scheduler.retry_publisher.publish_stranded()
    (record,) = retries_published(world)
    assert (record.seq, record.try_number, record.attempts, record.generation) == (SEQ, 2, 1, 0)
    assert record.body == f"hi user{SEQ}, this is a test message."
    assert world.rows(f"SELECT {STAMP} FROM message_retries_{SHARD}") == [
        (1, 1, world.partition_map.topic_id, SHARD, world.log_ends()[SHARD] - 1)
    ]


def test_a_retry_that_is_not_due_waits(world: World, scheduler: Scheduler) -> None:
    wait_for_retry(world, due_in=3600)
    scheduler.retry_publisher.publish_due()
    assert retries_published(world) == []


@pytest.mark.parametrize("state", ["paused", "cancelled", "finished"])
def test_retries_of_an_idle_campaign_are_not_published(
    world: World, scheduler: Scheduler, state: str
) -> None:
    """Retries of a campaign that does not run are not published."""
    wait_for_retry(world)
    world.change("UPDATE campaigns SET state = %s", (state,))
    scheduler.retry_publisher.publish_due()
    assert retries_published(world) == []


def test_a_retry_voided_by_a_pause_gets_the_new_epoch(world: World, scheduler: Scheduler) -> None:
    """A retry voided by a pause is published again under the new epoch."""
    wait_for_retry(world)
    scheduler.retry_publisher.publish_due()
    world.change("UPDATE campaigns SET epoch = epoch + 2")
    scheduler.retry_publisher.publish_stranded()
    assert [record.campaign_epoch for record in retries_published(world)] == [1, 3]


def test_a_retry_that_consumers_have_passed_is_repeated(world: World, scheduler: Scheduler) -> None:
    """A retry that consumers have passed and that still waits is published again."""
    wait_for_retry(world)
    scheduler.retry_publisher.publish_due()
    offset = world.log_ends()[SHARD] - 1
    world.record_shard(SHARD, offset)
    scheduler.retry_publisher.publish_stranded()
    assert len(retries_published(world)) == 1
    world.record_shard(SHARD, offset + 1)
    scheduler.retry_publisher.publish_stranded()
    scheduler.retry_publisher.publish_stranded()
    assert len(retries_published(world)) == 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE message_retries_{shard} SET published_topic_id = 'another'",
        "UPDATE message_retries_{shard} SET published_partition = published_partition + 1",
    ],
    ids=["another topic", "another partition"],
)
def test_a_retry_on_a_former_partition_is_published_again(
    world: World, scheduler: Scheduler, change: str
) -> None:
    """A retry in a place that carries its shard no more is published again."""
    wait_for_retry(world)
    scheduler.retry_publisher.publish_due()
    world.change(change.format(shard=SHARD))
    scheduler.retry_publisher.publish_stranded()
    assert len(retries_published(world)) == 2


@pytest.mark.usefixtures("scheduler")
def test_a_stamp_does_not_touch_a_row_that_waits_for_another_try(world: World) -> None:
    wait_for_retry(world)
    world.change(f"UPDATE message_retries_{SHARD} SET try_number = 3")
    with world.database.transaction() as cursor:
        stamp_published(cursor, SHARD, [Stamp(CAMPAIGN, SEQ, 0, 2, 1, SHARD, 5)], "topic")
    assert world.rows(f"SELECT published_at FROM message_retries_{SHARD}") == [(None,)]


def test_a_recipient_that_is_gone_travels_as_undeliverable(
    world: World, scheduler: Scheduler
) -> None:
    wait_for_retry(world)
    world.change("DELETE FROM recipients WHERE seq = %s", (SEQ,))
    scheduler.retry_publisher.publish_due()
    (record,) = retries_published(world)
    assert (record.seq, record.shard, record.undeliverable) == (SEQ, SHARD, "recipient is gone")


def test_more_retries_than_a_batch_are_all_published(world: World) -> None:
    world.add_list(20_000)
    world.add_campaign()
    scheduler = world.scheduler(chunk_size=10_000)
    scheduler.start_and_fan_out()
    seqs = [n for n in range(2, 40_001, 2) if shard_of(str(13900000000 + n), SHARDS) == SHARD]
    with world.database.transaction() as cursor:
        cursor.executemany(
            f"INSERT INTO message_retries_{SHARD} (campaign_id, seq, due_at, generation,"
            " try_number, attempts) VALUES (1000000000, %s, NOW(6), 0, 2, 1)",
            [(seq,) for seq in seqs],
        )
        cursor.execute(
            "INSERT INTO campaign_counters VALUES (%s, %s, %s, %s)",
            (CAMPAIGN, SHARD, int(Status.WAITING), len(seqs)),
        )
    scheduler.retry_publisher.publish_due()
    assert sorted(record.seq for record in retries_published(world)) == seqs
    assert world.rows(
        f"SELECT COUNT(*), COUNT(DISTINCT published_offset) FROM message_retries_{SHARD}"
        " WHERE published_at IS NOT NULL"
    ) == [(len(seqs), len(seqs))]
