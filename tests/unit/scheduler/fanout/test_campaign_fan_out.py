"""The bookkeeping of one campaign's fan-out between its checkpoints."""

from confluent_kafka import KafkaError

from campaign_scheduler.fanout.campaign_fan_out import Chunk, Progress
from campaign_scheduler.fanout.partition_backlog import Backlog
from campaign_scheduler.fanout.publish_window import Window
from campaign_scheduler.publishing.publisher import Publication
from tests.unit.scheduler.campaigns import a_lease


def progress() -> Progress:
    return Progress.under(
        a_lease(fanned_seq=100, fanned_count=90), Window(1.0, 1_000), Backlog(2.5)
    )


def publish(fanned: Progress, last_seq: int, recipients: int, unreported: int = 0) -> Chunk:
    checkpoint = fanned.checkpoint_after(last_seq, recipients)
    chunk = Chunk(checkpoint, 1, Publication(unreported), 0.0)
    fanned.published(chunk)
    return chunk


def test_it_begins_where_the_lease_found_the_campaign() -> None:
    assert publish(progress(), 150, 50).checkpoint == (7, 3, 5, 100, 150, 50)


def test_each_checkpoint_follows_on_the_one_before() -> None:
    fanned = progress()
    publish(fanned, 150, 50)
    assert publish(fanned, 230, 60).checkpoint.previous_seq == 150


def test_chunks_count_in_their_order_even_when_a_later_one_is_delivered_first() -> None:
    fanned = progress()
    first = publish(fanned, 150, 50, unreported=1)
    second = publish(fanned, 230, 60)
    assert fanned.delivered() == []
    first.publication.unreported = 0
    assert fanned.delivered() == [first, second]


def test_what_is_not_counted_is_read_again_after_a_failure() -> None:
    fanned = progress()
    publish(fanned, 150, 50)
    fanned.counted_first()
    failed = publish(fanned, 230, 60)
    publish(fanned, 300, 60)
    failed.publication.record_failure(KafkaError(KafkaError.REQUEST_TIMED_OUT), b"")
    assert fanned.delivered() == []
    assert fanned.failure() is failed.publication
    fanned.rewind("not delivered")
    assert (fanned.read_seq, fanned.read) == (150, 140)
    assert publish(fanned, 200, 50).checkpoint.previous_seq == 150


def test_the_end_of_the_list_is_the_end() -> None:
    fanned = progress()
    publish(fanned, 1_000, 910)
    assert fanned.is_read
    assert not fanned.is_counted
    fanned.counted_first()
    assert fanned.is_counted
