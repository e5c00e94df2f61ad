"""Two senders, of which one is asked to wait by the provider."""

import time
from pathlib import Path

from campaign_common.domain.message import Status
from campaign_sender.delivery.breaker_sync import INTERVAL
from tests.integration.sender.test_refused_account import republish_waiting
from tests.integration.sender.world import SHARDS, World
from tests.support.providers.recording_provider import Call, Faults
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until

ASKED = 3.0
"""Seconds of `Retry-After`."""

KNOWN_AFTER = 2 * INTERVAL + 0.5
"""Seconds until all senders know it: one sync writes it, one reads it; the rest is for a full
machine."""

RECIPIENTS = 1_000
BEFORE = 100


def test_a_retry_after_stops_all_senders(tmp_path: Path, world: World) -> None:
    """One 429 is answered; no sender calls in its time, and all messages are sent after it."""
    with recording_provider(tmp_path / "calls") as provider:
        world.configure(Providers={"gateway": provider.template(Timeout="5s")})
        world.add_campaign(RECIPIENTS)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'gateway'")
        with world.sender(), world.sender():
            wait_until(lambda: world.shards_by_sender() == [SHARDS // 2] * 2)
            world.publish(range(1, BEFORE + 1))
            wait_until(lambda: world.counts() == {Status.SENT: BEFORE})
            provider.set_faults(Faults(errors={429: 1.0}, retry_after=int(ASKED)))
            world.publish([BEFORE + 1])
            wait_until(lambda: asked(provider.calls()) != [])
            provider.set_faults(Faults())
            seqs = iter(range(BEFORE + 2, RECIPIENTS + 1))
            (first,) = asked(provider.calls())
            while time.time() < first.at + ASKED:
                world.publish([next(seqs) for _ in range(2 * SHARDS)])
                time.sleep(0.1)
            world.publish(list(seqs))
            republish_waiting(world)
            wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
        calls = provider.calls()
    assert asked(calls) == [first]
    during = [call.at - first.at for call in calls if 0.0 < call.at - first.at < ASKED]
    assert [after for after in during if after > KNOWN_AFTER] == []
    connections = {call.connection for call in calls if call.at > first.at + ASKED}
    assert len(connections) > 1, "both senders go on"


def asked(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.fate == "429"]
