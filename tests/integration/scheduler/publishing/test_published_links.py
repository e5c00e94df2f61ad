"""Texts with links to unsubscribe, as one scheduler after another publishes them."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from campaign_common.domain.content.campaign_content import CampaignContent, TextContent
from campaign_common.domain.shard import shard_of
from campaign_common.settings import CallbacksSettings, ReferenceSecretSettings
from campaign_common.store.core.contents import stored_content
from campaign_providers.unsubscribe import current_links
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from campaign_scheduler.jobs import publish_retries
from tests.integration.scheduler.world import CAMPAIGN, LIST, SHARDS, World
from tests.support.servers.databases import ONE_FLAVOUR
from tests.support.waiting import wait_until

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


def wait_for_retry(world: World, seq: int, campaign_id: int = CAMPAIGN) -> None:
    """Be a sender whose first try of a message failed for a passing reason."""
    shard = shard_of(str(13900000000 + seq), SHARDS)
    world.change(
        f"INSERT INTO message_retries_{shard} (campaign_id, seq, due_at, generation, try_number,"
        " attempts) VALUES (%s, %s, NOW(6), 0, 2, 1)",
        (campaign_id, seq),
    )
    world.change(
        "INSERT INTO campaign_counters (campaign_id, shard, status, n) VALUES (%s, %s, 3, 1)",
        (campaign_id, shard),
    )


def bodies(world: World, try_number: int, campaign_id: int = CAMPAIGN) -> dict[int, str]:
    return {
        record.seq: record.body
        for record in world.published()
        if record.campaign_id == campaign_id and record.try_number == try_number
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


def test_campaigns_without_links_go_on_without_a_secret(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each search for retries finds those with links first; the end of the outage is logged."""
    monkeypatch.setattr(publish_retries, "BATCH", 1)
    monkeypatch.setattr(current_links, "REFRESH_INTERVAL", 0.0)
    secret = tmp_path / "secret"
    settings = CallbacksSettings(base_url=BASE, secrets=(ReferenceSecretSettings(file=secret),))
    world.add_list(len(SEQS))
    add_campaign_with_links(world)
    world.add_campaign(PLAIN, list_id=LIST)
    scheduler = world.scheduler(links=UnsubscribeLinks(settings))
    scheduler.campaign_starter.start_due()
    for campaign_id in (CAMPAIGN, PLAIN):
        wait_for_retry(world, SEQS[0], campaign_id)
    with capture_logs() as lines:
        scheduler.fan_out.step()
        wait_until(lambda: len(bodies(world, 1, PLAIN)) == len(SEQS))
        scheduler.retry_publisher.publish_due()
        assert (len(bodies(world, 2)), len(bodies(world, 2, PLAIN))) == (0, 1)
        secret.write_text("a secret of references")
        scheduler.fan_out_until(world.all_fanned_out)
        scheduler.retry_publisher.publish_due()
    assert (len(bodies(world, 1)), len(bodies(world, 2))) == (len(SEQS), 1)
    told = [(line["event"], line.get("component")) for line in lines]
    for event in (
        ("dependency unavailable", "publish-links"),
        ("dependency recovered", "publish-links"),
        ("retries with links not published", None),
        ("no retries with links held any more", None),
    ):
        assert told.count(event) == 1, event
