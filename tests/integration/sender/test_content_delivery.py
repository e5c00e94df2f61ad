"""Content other than a plain text on its way from Kafka to a gateway, as the gateway sees it."""

from pathlib import Path

from campaign_common.domain.message import Status
from campaign_common.domain.message_record import (
    CONTENT_VERSION,
    MessageRecord,
    MessageTemplate,
    encode,
)
from campaign_common.domain.shard import shard_of
from tests.integration.sender.world import CAMPAIGN, SHARDS, World
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until

RECIPIENTS = 60


def gateway(url: str) -> dict[str, object]:
    """A provider over HTTP whose gateway holds templates."""
    return {
        "Kind": "http",
        "Url": url,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Timeout": "5s",
        "Headers": {"Idempotency-Key": "{key}"},
        "Body": {
            "Type": "json",
            "Json": {
                "message_id": "{key}",
                "campaign_id": "{campaign_id}",
                "seq": "{seq}",
                "phone": "{phone}",
                "body": "{from}: {template.name}/{template.language} {parts.0}, {parts.1}",
            },
        },
        "Price": {"Currency": "EUR", "PerSegment": {"1390": 0.05, "default": 1}},
    }


def publish(world: World) -> None:
    current = world.partition_map
    for seq in range(1, RECIPIENTS + 1):
        phone = str(13900000000 + seq)
        shard = shard_of(phone, SHARDS)
        record = MessageRecord(
            wire_version=CONTENT_VERSION,
            campaign_id=CAMPAIGN,
            seq=seq,
            shard=shard,
            campaign_epoch=1,
            map_version=current.version,
            phone=phone,
            body="",
            template=MessageTemplate("order_1", "de", (f'"user" {seq}', "{name} 😀")),
            originator="Shop",
        )
        world.publish_raw(encode(record), phone, current.partition(shard))
    world.flush()


def test_the_gateway_gets_template_parts_and_originator(tmp_path: Path, world: World) -> None:
    """Each message once, and what they have cost is recorded with them."""
    with recording_provider(tmp_path / "calls") as provider:
        world.configure(Providers={"whatsapp": gateway(provider.url)})
        world.add_campaign(RECIPIENTS)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'whatsapp'")
        publish(world)
        with world.sender():
            wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
        sent = {call.sent.seq: call.sent.body for call in provider.calls()}
        assert len(provider.calls()) == RECIPIENTS
    assert sent == {
        seq: f'Shop: order_1/de "user" {seq}, {{name}} 😀' for seq in range(1, RECIPIENTS + 1)
    }
    ((segments, amount),) = world.rows("SELECT SUM(segments), SUM(amount) FROM campaign_costs")
    assert (segments, amount) == (RECIPIENTS, 3)
