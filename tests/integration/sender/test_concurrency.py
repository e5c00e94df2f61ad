"""Requests under way of two senders, by the log of their provider."""

import time
from pathlib import Path

from campaign_common.domain.message import Status
from campaign_sender.limiting.limit_leases import LIVE_INTERVAL
from tests.integration.sender.world import SHARDS, World
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until

CONCURRENCY = 3
LATENCY = 0.2
"""Seconds from a call to its answer."""

RECIPIENTS = 60


def test_two_senders_share_three_requests_under_way(tmp_path: Path, world: World) -> None:
    """Never more than three at once, and no fewer: nothing is lost to rounding."""
    with recording_provider(tmp_path / "calls") as provider:
        provider.set_faults(Faults(latency=LATENCY))
        limits = {"Limits": {"Concurrency": CONCURRENCY}}
        world.configure(Providers={"gateway": provider.template(Timeout="5s", **limits)})
        world.add_campaign(RECIPIENTS)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'gateway'")
        with world.sender(), world.sender():
            wait_until(lambda: world.shards_by_sender() == [SHARDS // 2] * 2)
            time.sleep(4 * LIVE_INTERVAL)  # both have read the owners, and divided by them
            world.publish(range(1, RECIPIENTS + 1))
            wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
        starts = sorted(call.boot for call in provider.calls())
    under_way = [sum(start - LATENCY < other <= start for other in starts) for start in starts]
    assert max(under_way) == CONCURRENCY
