"""Campaigns of a provider that a sender does not know, or whose secret it can not read."""

from pathlib import Path

import pytest
import requests

from campaign_common.domain.message import Status
from local_stack.ports import free_port
from tests.integration.sender.test_refused_account import gateway, republish_waiting
from tests.integration.sender.world import SHARDS, World
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until

RECIPIENTS = 100


@pytest.mark.parametrize("is_known", [False, True], ids=["unknown", "without its secret"])
def test_a_provider_that_is_not_ready_costs_nobody_an_attempt(
    tmp_path: Path, world: World, is_known: bool
) -> None:
    """Nothing is claimed, the sender says that it is not ready, and goes on when it is."""
    secret = tmp_path / "token"
    with recording_provider(tmp_path / "calls") as provider:
        known = {"gateway": gateway(provider.url, secret)}
        port = free_port()
        world.configure(Providers=known if is_known else {}, HealthPort=port, Host="127.0.0.1")
        world.add_campaign(RECIPIENTS)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'gateway'")
        world.publish(range(1, RECIPIENTS + 1))
        readiness = f"http://127.0.0.1:{port}/readyz"
        with world.sender():
            wait_until(lambda: world.counts() == {Status.WAITING: RECIPIENTS})
            wait_until(lambda: "gateway: " in requests.get(readiness, timeout=5).text)
            assert (world.claimed(), attempts(world), provider.calls()) == (0, 0, [])
            secret.write_text("new\n")
            if is_known:
                wait_until(lambda: requests.get(readiness, timeout=5).status_code == 200)
                republish_waiting(world)
        world.configure(Providers=known)
        with world.sender():
            republish_waiting(world)
            wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
        assert len({call.key for call in provider.calls()}) == len(provider.calls()) == RECIPIENTS


def attempts(world: World) -> int:
    tables = " UNION ALL ".join(f"SELECT attempts FROM messages_{n}" for n in range(SHARDS))
    ((most,),) = world.rows(f"SELECT MAX(attempts) FROM ({tables}) m")
    return int(most)
