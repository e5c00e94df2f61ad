"""The state of one campaign's fan-out between its checkpoints."""

from confluent_kafka import KafkaError

from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.store.campaigns.fanout import ShardOutcomes
from campaign_scheduler.fanout.campaign_fan_out import CampaignFanOut, PublishedChunk
from campaign_scheduler.fanout.partition_backlog import PartitionBacklog
from campaign_scheduler.fanout.publish_window import PublishWindow
from campaign_scheduler.publishing.publisher import Publication
from tests.unit.scheduler.campaigns import a_lease


def fan_out() -> CampaignFanOut:
    return CampaignFanOut.from_lease(
        a_lease(published_seq=100, published_count=90),
        PublishWindow(1.0, 1_000),
        PartitionBacklog(2.5),
    )


def publish(
    campaign: CampaignFanOut, last_seq: int, recipients: int, unreported: int = 0
) -> PublishedChunk:
    checkpoint = campaign.checkpoint_after(last_seq, recipients)
    chunk = PublishedChunk(checkpoint, 1, Publication(unreported), 0.0)
    campaign.add_published(chunk)
    return chunk


def test_what_only_waits_is_no_throughput() -> None:
    """Else the window grew with all that a slow provider's senders put off."""
    campaign = fan_out()
    campaign.backlog.add({0: 1_000}, PartitionMap("topic", "id", 1, 1, MapState.ACTIVE))
    for second in range(5):
        outcomes = {0: ShardOutcomes(recorded=150 * second, final=120 * second)}
        campaign.sample(100.0 + second, outcomes, claimed=10)
    assert campaign.queued == 1_000 - 600 - 10
    assert campaign.window.limit == 120


def test_it_begins_where_the_lease_found_the_campaign() -> None:
    assert publish(fan_out(), 150, 50).checkpoint == (7, 3, 5, 100, 150, 50)


def test_each_checkpoint_follows_on_the_one_before() -> None:
    campaign = fan_out()
    publish(campaign, 150, 50)
    assert publish(campaign, 230, 60).checkpoint.previous_seq == 150


def test_chunks_are_committed_in_their_order() -> None:
    """Chunks are committed in their order even when a later one is delivered first."""
    campaign = fan_out()
    first = publish(campaign, 150, 50, unreported=1)
    second = publish(campaign, 230, 60)
    assert campaign.delivered() == []
    first.publication.unreported = 0
    assert campaign.delivered() == [first, second]


def test_what_is_not_committed_is_read_again_after_a_failure() -> None:
    campaign = fan_out()
    publish(campaign, 150, 50)
    campaign.commit_oldest()
    failed = publish(campaign, 230, 60)
    publish(campaign, 300, 60)
    failed.publication.record_failure(KafkaError(KafkaError.REQUEST_TIMED_OUT), b"")
    assert campaign.delivered() == []
    assert campaign.failure() is failed.publication
    campaign.rewind("not delivered")
    assert (campaign.read_seq, campaign.committed) == (150, 140)
    assert publish(campaign, 200, 50).checkpoint.previous_seq == 150


def test_the_end_of_the_list_is_the_end() -> None:
    campaign = fan_out()
    publish(campaign, 1_000, 910)
    assert campaign.is_read
    campaign.commit_oldest()
    assert (campaign.committed_seq, campaign.committed) == (1_000, 1_000)
