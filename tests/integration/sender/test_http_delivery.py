"""Real senders and the HTTP provider: its own log against the ledger."""

from collections import Counter
from pathlib import Path

import pytest

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.message import Status
from tests.integration.sender.world import World
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until

RECIPIENTS = 3000

DOUBT_ENDS_AS = {Delivery.AT_MOST_ONCE: Status.UNKNOWN, Delivery.AT_LEAST_ONCE: Status.WAITING}


@pytest.mark.parametrize("delivery", list(Delivery))
def test_dropped_connections_cause_no_second_send(
    tmp_path: Path, world: World, delivery: Delivery
) -> None:
    with recording_provider(tmp_path / "calls", "--drop", 0.05) as provider:
        http = {"Url": provider.url, "AllowedNetworks": ["127.0.0.0/8"], "Timeout": "5s"}
        world.configure(Http=http)
        world.add_campaign(RECIPIENTS, delivery)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'http'")
        world.publish(range(1, RECIPIENTS + 1))
        with world.sender():
            wait_until(lambda: sum(world.counts().values()) == RECIPIENTS)
        calls = provider.calls()
    fates = Counter(call.fate for call in calls)
    assert sorted(call.sent.seq for call in calls) == list(range(1, RECIPIENTS + 1))
    assert len({call.key for call in calls}) == RECIPIENTS
    assert fates["drop"] > RECIPIENTS / 50
    expected = {Status.SENT: fates["202"], DOUBT_ENDS_AS[delivery]: fates["drop"]}
    assert world.counts() == expected
    assert world.ledger() == expected
    assert world.claimed() == 0
