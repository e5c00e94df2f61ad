"""Texts with links to unsubscribe, as one scheduler after another publishes them."""

from campaign_common.domain.content.campaign_content import CampaignContent, TextContent
from campaign_common.domain.shard import shard_of
from campaign_common.settings import CallbacksSettings, ReferenceSecretSettings
from campaign_common.store.core.contents import stored_content
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from tests.integration.scheduler.world import CAMPAIGN, LIST, SHARDS, World
from tests.support.servers.databases import ONE_FLAVOUR

BASE = "https://c.example"
SECRETS = (ReferenceSecretSettings(value="a secret of references"),)
LINKS = UnsubscribeLinks(CallbacksSettings(base_url=BASE, secrets=SECRETS))
MOVED = UnsubscribeLinks(CallbacksSettings(base_url="https://moved.example", secrets=SECRETS))
PLAIN = CAMPAIGN + 1
SEQS = (2, 4, 6)

pytestmark = ONE_FLAVOUR


def add_campaign_with_links(world: World) -> None:
    content = CampaignContent(TextContent("stop: {unsubscribe_url}"), link_base_url=BASE)
    template, column = stored_content(content)
    world.add_campaign(template=template)
    world.change("UPDATE campaigns SET content = %s", (column,))


def wait_for_retry(world: World, seq: int) -> None:
    """Be a sender whose first try of a message failed for a passing reason."""
    shard = shard_of(str(13900000000 + seq), SHARDS)
    world.change(
        f"INSERT INTO message_retries_{shard} (campaign_id, seq, due_at, generation, try_number,"
        " attempts) VALUES (%s, %s, NOW(6), 0, 2, 1)",
        (CAMPAIGN, seq),
    )
    world.change(
        "INSERT INTO campaign_counters (campaign_id, shard, status, n) VALUES (%s, %s, 3, 1)",
        (CAMPAIGN, shard),
    )


def bodies(world: World, try_number: int) -> dict[int, str]:
    return {
        record.seq: record.body
        for record in world.published()
        if record.campaign_id == CAMPAIGN and record.try_number == try_number
    }


def test_every_try_has_the_link_whoever_publishes_it(world: World) -> None:
    """A scheduler without the secret publishes no part of such a campaign, and all of others."""
    world.add_list(len(SEQS))
    add_campaign_with_links(world)
    world.add_campaign(PLAIN, list_id=LIST)
    first = world.scheduler(lease=0.5)
    first.campaign_starter.start_due()
    assert world.campaign("state") == ("running",)
    first.fan_out_until(lambda: len(world.published()) == len(SEQS))
    for _ in range(5):
        first.fan_out.step()
    assert bodies(world, 1) == {}
    first.leases.release()
    world.scheduler(links=LINKS).start_and_fan_out()
    link = LINKS.of_campaign(BASE, CAMPAIGN)
    assert bodies(world, 1) == {seq: f"stop: {link(seq)}" for seq in SEQS}
    wait_for_retry(world, SEQS[0])
    world.change("UPDATE campaigns SET lease_until = NOW(6)")
    for links, published in ((None, {}), (MOVED, {SEQS[0]: f"stop: {link(SEQS[0])}"})):
        taken_over = world.scheduler(links=links)
        taken_over.campaign_starter.start_due()
        taken_over.retry_publisher.publish_due()
        assert bodies(world, 2) == published
        taken_over.leases.release()
