"""A provider that refuses the account in the middle of a campaign."""

import time
from collections import defaultdict
from pathlib import Path

from campaign_common.domain.message import Status
from tests.integration.sender.world import CAMPAIGN, SHARDS, World
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until

RECIPIENTS = 400


def test_a_refused_account_fails_nobody_and_costs_no_attempt(tmp_path: Path, world: World) -> None:
    """A 401 stops all senders; the campaign goes on within 5 s of the mended secret file."""
    secret = tmp_path / "token"
    secret.write_text("old\n")
    with recording_provider(tmp_path / "calls") as provider:
        provider.set_faults(Faults(authorization="Bearer old"))
        world.configure(Providers={"gateway": gateway(provider.url, secret)})
        world.add_campaign(RECIPIENTS)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'gateway'")
        with world.sender(), world.sender():
            world.publish(range(1, 101))
            wait_until(lambda: world.counts() == {Status.SENT: 100})
            provider.set_faults(Faults(authorization="Bearer new"))
            world.publish(range(101, 201))
            wait_until(lambda: world.counts() == {Status.SENT: 100, Status.WAITING: 100})
            refused = sum(call.fate == "401" for call in provider.calls())
            wait_until(lambda: accounts(world) == 1)
            secret.write_text("new\n")
            mended = time.monotonic()
            seqs = iter(range(201, RECIPIENTS + 1))
            while world.counts().get(Status.SENT, 0) == 100:
                world.publish([next(seqs) for _ in range(10)])
                time.sleep(0.2)
            assert time.monotonic() - mended < 5.0
            world.publish(list(seqs))
            republish_waiting(world)
            wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
            wait_until(lambda: accounts(world) == 0)
        calls = provider.calls()
    assert 0 < refused <= 100
    accepted = [call.key for call in calls if call.fate == "202"]
    assert len(accepted) == len(set(accepted)) == RECIPIENTS
    tables = " UNION ALL ".join(
        f"SELECT attempts, try_number FROM messages_{n}" for n in range(SHARDS)
    )
    ((most_attempts, most_tries),) = world.rows(
        f"SELECT MAX(attempts), MAX(try_number) FROM ({tables}) m"
    )
    assert (most_attempts, most_tries > 1) == (1, True)


def gateway(url: str, secret: Path) -> dict[str, object]:
    return {
        "Kind": "http",
        "Url": url,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Connections": 16,
        "Timeout": "5s",
        "Secrets": {"token": {"File": str(secret)}},
        "Headers": {"Authorization": "Bearer {secret.token}", "Idempotency-Key": "{key}"},
        "Body": {
            "Type": "json",
            "Json": {
                "message_id": "{key}",
                "campaign_id": "{campaign_id}",
                "seq": "{seq}",
                "phone": "{phone}",
                "body": "{body}",
            },
        },
    }


def accounts(world: World) -> int:
    """Count the breakers of accounts that are open."""
    condition = "provider = 'gateway' AND open_until > NOW(6)"
    ((n,),) = world.rows(f"SELECT COUNT(*) FROM provider_account_breakers WHERE {condition}")
    return int(n)


def republish_waiting(world: World) -> None:
    """Publish what waits, as the scheduler does, until nothing waits any more."""
    tables = " UNION ALL ".join(
        f"SELECT seq, try_number FROM messages_{n}"
        f" WHERE campaign_id = {CAMPAIGN} AND status = {Status.WAITING}"
        for n in range(SHARDS)
    )

    def nothing_waits() -> bool:
        waiting = defaultdict(list)
        for seq, try_number in world.rows(tables):
            waiting[try_number].append(seq)
        for try_number, seqs in waiting.items():
            world.publish(seqs, try_number=try_number + 1)
        return not waiting

    wait_until(nothing_waits)
