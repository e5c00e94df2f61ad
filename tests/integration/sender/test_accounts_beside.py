"""Two senders with different secrets, of which the provider refuses one."""

from pathlib import Path

from campaign_common.domain.message import Status
from campaign_common.store.campaigns.progress import read_progress
from campaign_common.store.messages.provider_breakers import campaigns_with_open_circuit
from tests.integration.sender.test_refused_account import accounts, gateway
from tests.integration.sender.world import CAMPAIGN, SHARDS, World
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until

RECIPIENTS = 400


def test_a_stale_secret_stops_no_other_sender(tmp_path: Path, world: World) -> None:
    """The sender that is accepted goes on, and so does the fan-out of its campaigns."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old\n")
    new.write_text("new\n")
    with recording_provider(tmp_path / "calls") as provider:
        provider.set_faults(Faults(authorization="Bearer new"))
        world.configure(Providers={"gateway": gateway(provider.url, old)})
        world.add_campaign(RECIPIENTS)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'gateway', lease_owner = 's'")
        with world.sender():
            world.publish(range(1, 51))
            wait_until(lambda: accounts(world) == 1 and has_open_circuit(world))
            world.configure(Providers={"gateway": gateway(provider.url, new)})
            with world.sender():
                wait_until(lambda: len(owners(world)) == 2)
                seqs = iter(range(51, RECIPIENTS + 1))

                def goes_on_beside_the_refused() -> bool:
                    world.publish([next(seqs) for _ in range(5)])
                    return accounts(world) == 1 and not has_open_circuit(world)

                wait_until(goes_on_beside_the_refused)
                before = world.counts().get(Status.SENT, 0)
                world.publish(list(seqs))
                wait_until(lambda: world.counts().get(Status.SENT, 0) > before)
                wait_until(lambda: sum(world.counts().values()) == RECIPIENTS)
        assert set(world.counts()) == {Status.SENT, Status.WAITING}
    tables = " UNION ALL ".join(f"SELECT status, attempts FROM messages_{n}" for n in range(SHARDS))
    assert world.rows(
        f"SELECT MAX(attempts) FROM ({tables}) m WHERE status = {Status.WAITING}"
    ) == ((0,),)


def has_open_circuit(world: World) -> bool:
    """Return whether fan-out leaves the campaign alone, and progress says so."""
    with world.database.reading() as cursor:
        fan_out = CAMPAIGN in campaigns_with_open_circuit(cursor, "s")
        progress = read_progress(cursor, CAMPAIGN)
    assert progress is not None
    return fan_out and progress.circuit_open_until is not None


def owners(world: World) -> set[int]:
    return {owner for (owner,) in world.rows("SELECT owner_name FROM shard_claims")}
