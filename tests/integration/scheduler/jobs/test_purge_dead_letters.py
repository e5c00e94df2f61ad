"""Erased recipients: nobody's number is published, and the dead letters are rid of it."""

import json
from functools import partial

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import ConfigResource, ResourceType  # type: ignore[attr-defined]
from pymysql.cursors import Cursor

from campaign_common.domain.message_record import ERASED
from campaign_common.domain.recipient import tombstone
from campaign_common.domain.shard import shard_of
from campaign_common.kafka import clients, topics
from campaign_common.kafka.dead_letters import DeadLetter, dead_letter_topic, opened_box
from campaign_common.store.recipients.erasures import (
    Erasure,
    ErasureStep,
    erase_recipient,
    move_erasure,
    order_erasure,
)
from campaign_scheduler.jobs.purge_dead_letters import DeadLetterPurger
from tests.integration.scheduler.jobs.test_publish_retries import wait_for_retry
from tests.integration.scheduler.world import LIST, SHARDS, World
from tests.support.waiting import wait_until

PERSON = 6
PHONE = str(13900000000 + PERSON)


def ordered(world: World, step: ErasureStep = ErasureStep.RECIPIENTS) -> Erasure:
    def order(cursor: Cursor) -> Erasure:
        erasure = order_erasure(cursor, PHONE, "a person")._replace(step=step)
        move_erasure(cursor, erasure)
        return erasure

    return world.database.run(order)


def erase_person(world: World) -> None:
    erase = partial(erase_recipient, erasure=ordered(world), list_id=LIST, shards=SHARDS)
    world.database.run(erase)


def test_an_erased_recipient_has_no_number_on_its_old_shard(world: World) -> None:
    """An erased recipient travels without number on the old shard."""
    world.add_list(10)
    erase_person(world)
    world.add_campaign()
    world.scheduler().start_and_fan_out()
    records = {record.seq: record for record in world.published()}
    assert len(records) == 10
    erased = records[PERSON]
    assert (erased.undeliverable, erased.phone, erased.body) == (ERASED, "", "")
    assert erased.shard == shard_of(PHONE, SHARDS)
    assert not [r for r in records.values() if r.phone in (PHONE, tombstone(PERSON))]
    assert world.campaign("published_count", "total") == (10, 10)


def test_a_retry_of_an_erased_recipient_says_so(world: World) -> None:
    world.add_list(10)
    world.add_campaign()
    scheduler = world.scheduler()
    scheduler.start_and_fan_out()
    wait_for_retry(world, PERSON)
    erase_person(world)
    scheduler.retry_publisher.publish_due()
    (retry,) = [record for record in world.published() if record.try_number == 2]
    assert (retry.undeliverable, retry.phone, retry.shard) == (
        ERASED,
        "",
        shard_of(PHONE, SHARDS),
    )


@pytest.fixture
def box(world: World) -> str:
    """The topic of the dead letters, as a sender makes it."""
    name = dead_letter_topic(world.topic)
    topics.create(world.admin, name, partitions=1, replication_factor=1)
    wait_until(lambda: name in world.admin.list_topics(timeout=10).topics)
    return name


def put_away(world: World, box: str, *values: bytes) -> None:
    producer = clients.producer(world.settings)
    for number, value in enumerate(values):
        headers = [("reason", "bad"), ("origin_partition", "1"), ("origin_offset", str(number))]
        producer.produce(box, value=value, key=b"", headers=headers)
    assert producer.flush(30) == 0


def put_away_twice(world: World, box: str, *values: bytes) -> None:
    """As a sender does, and after it another one that was not told, with the first once more."""
    producer = clients.producer(world.settings)
    for these in (values, values, values[:1]):
        for number, value in enumerate(these):
            record = {"partition": 1, "offset": number, "timestamp": 1764000000000 + number}
            headers = [(f"origin_{name}", str(n)) for name, n in record.items()]
            producer.produce(box, value=value, key=b"", headers=headers)
    assert producer.flush(30) == 0


def letters(world: World, *, replayed_too: bool = False) -> list[DeadLetter]:
    with opened_box(world.settings) as box:
        return list(box.letters(replayed_too=replayed_too))


def purger(world: World) -> DeadLetterPurger:
    return DeadLetterPurger(
        world.database,
        partial(opened_box, world.settings),
        partial(clients.producer, world.settings),
    )


def open_erasures(world: World) -> list[tuple[str | None]]:
    return world.rows("SELECT phone FROM erasures WHERE ended_at IS NULL")  # type: ignore[return-value]


def test_dead_letters_lose_the_person_and_keep_the_others(world: World, box: str) -> None:
    theirs = json.dumps({"phone": PHONE, "wire_version": 9}).encode()
    put_away(world, box, b"replayed", b"first", theirs, b"second", b"+139 0000-0006", b"third")
    with opened_box(world.settings) as opened:
        first, *_ = opened.letters()
        replayed = TopicPartition(box, 0, first.offset + 1)
        opened._consumer.commit(offsets=[replayed], asynchronous=False)
    before = {letter.value: letter for letter in letters(world)}
    ordered(world, ErasureStep.REJECTS)
    purger(world).purge()
    assert len(letters(world)) == 5  # its database part is not done yet
    world.change("UPDATE erasures SET step = 'dead_letters'")
    purger(world).purge()
    left = letters(world)
    assert [letter.value for letter in left] == [b"first", b"second", b"third"]
    assert letters(world, replayed_too=True) == left
    for letter in left:
        old = before[letter.value]
        assert (letter.reason, letter.origin_offset) == (old.reason, old.origin_offset)
        assert letter.timestamp == old.timestamp
    assert open_erasures(world) == []
    assert world.rows("SELECT phone FROM erasures") == [(None,)]


def test_copies_of_a_dead_letter_are_erased_and_stay_one(world: World, box: str) -> None:
    """Copies of a dead letter are erased with the person, and count as one letter."""
    put_away_twice(world, box, b"replayed", b"first", PHONE.encode(), b"second")
    with opened_box(world.settings) as opened:
        replayed, *waiting = opened.letters()
        place = TopicPartition(box, 0, replayed.offset + 1)
        opened._consumer.commit(offsets=[place], asynchronous=False)
    assert [letter.value for letter in waiting] == [b"first", PHONE.encode(), b"second"]
    assert letters(world) == waiting
    ordered(world, ErasureStep.DEAD_LETTERS)
    purger(world).purge()
    left = letters(world, replayed_too=True)
    assert [letter.value for letter in left] == [b"first", b"second"]
    assert letters(world) == left


def test_without_dead_letters_an_erasure_ends(world: World) -> None:
    ordered(world, ErasureStep.DEAD_LETTERS)
    purger(world).purge()
    assert open_erasures(world) == []


def test_a_crash_after_moving_letters_loses_none_of_them(
    world: World, box: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_away(world, box, b"first", PHONE.encode())
    ordered(world, ErasureStep.DEAD_LETTERS)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(topics, "delete_before", dies)
        with pytest.raises(KeyboardInterrupt):
            purger(world).purge()
    assert len(open_erasures(world)) == 1
    purger(world).purge()
    assert {letter.value for letter in letters(world)} == {b"first"}
    assert open_erasures(world) == []


def test_the_topic_bounds_how_long_a_number_stays(world: World) -> None:
    resource = ConfigResource(ResourceType.TOPIC, world.topic)
    described = world.admin.describe_configs([resource])[resource].result(10)
    kept = {name: int(described[name].value) for name in ("retention.ms", "segment.ms")}
    assert kept == {
        "retention.ms": topics.RECORD_RETENTION * 1000,
        "segment.ms": topics.SEGMENT_AGE * 1000,
    }
