"""Real senders and the HTTP provider: its own log against the ledger."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.message import Status
from tests.integration.sender.world import SHARDS, World
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import recording_provider
from tests.support.services.processes import kill
from tests.support.waiting import wait_until

RECIPIENTS = 3000
FEW = 150
LATER = 10
"""Messages that are published when the first sender is gone."""

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


def known_for(url: str, window: str) -> dict[str, object]:
    """Return a provider at the same gateway, which is said to know keys for so long."""
    body = {name: f"{{{name}}}" for name in ("campaign_id", "seq", "phone", "body")}
    return {
        "Kind": "http",
        "Url": url,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Timeout": "5s",
        "Headers": {"Idempotency-Key": "{key}"},
        "Body": {"Type": "json", "Json": {"message_id": "{key}", **body}},
        "Idempotent": {"For": window},
    }


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_a_refusal_is_proof_while_the_gateway_knows_the_key(tmp_path: Path, world: World) -> None:
    """The gateway takes messages, their sender is killed, and the gateway refuses what comes again.

    What it takes for a second message is `unknown`.
    """
    with recording_provider(tmp_path / "calls") as provider:
        provider.set_faults(Faults(latency=1.0, repeated=400))
        windows = {"short": "1s", "long": "1h"}
        world.configure(
            Providers={name: known_for(provider.url, one) for name, one in windows.items()},
            Routes={"both": {"Choose": [{"Provider": name} for name in windows]}},
        )
        world.add_campaign(FEW + LATER)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'both'")
        world.publish(range(1, FEW + 1))
        with world.sender() as first:
            # More than either provider has of them, so that some of both are repeated.
            wait_until(lambda: provider.status()["in_flight"] > FEW * 2 // 3)
            kill(first)
        world.publish(range(FEW + 1, FEW + LATER + 1))
        with world.sender():
            wait_until(lambda: sum(world.counts().values()) == FEW + LATER)
        calls: dict[int, list[float]] = defaultdict(list)
        for call in provider.calls():
            calls[call.sent.seq].append(call.at)
    repeated = {seq for seq, at in calls.items() if len(at) > 1}
    assert all(calls[seq][1] - calls[seq][0] > 1.0 for seq in repeated)
    tables = " UNION ALL ".join(f"SELECT * FROM messages_{n}" for n in range(SHARDS))
    ended = world.rows(f"SELECT provider, status, seq FROM ({tables}) t")
    assert {(provider, status) for provider, status, seq in ended if seq in repeated} == {
        ("short", Status.UNKNOWN),
        ("long", Status.FAILED),
    }
    assert {status for _, status, seq in ended if seq not in repeated} == {Status.SENT}
