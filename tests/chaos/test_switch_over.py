"""The database's primary changes places with its replica while campaigns are sent.

The old primary stays alive and read-only, and so do the connections to it; a proxy takes new
connections to the new primary.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign_common.database import Database
from campaign_common.domain.campaign import Transition
from campaign_common.domain.message import Status
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.campaigns.transitions import change_state
from local_stack.distributions.cache import Cache
from local_stack.servers.database import Flavour
from tests.chaos.relay import Relay, dsn_at, relay_to
from tests.chaos.replication import ReplicatedPair, as_service, on_server, replicated_pair
from tests.chaos.scene import CAMPAIGN, SLOW, Scene, boot_time
from tests.chaos.test_stopped_senders import ALLOWED
from tests.support.waiting import wait_until

PAUSED, CANCELLED, GOES_ON = CAMPAIGN, CAMPAIGN + 1, CAMPAIGN + 2
SMALL_CHUNK = 20
"""Recipients that one campaign publishes before it is the turn of the next one."""
SOME = 200
PEOPLE = 5
AFTERWARDS = 3.0
"""Seconds beyond those allowed in which a late send would show."""


@pytest.fixture
def pair(servers_folder: Path, cache: Cache, server: Flavour) -> Iterator[ReplicatedPair]:
    with replicated_pair(servers_folder, cache, server) as pair:
        yield pair


@pytest.fixture
def server_dsn(pair: ReplicatedPair) -> str:
    """The scene's schema is made on the primary, and comes to the replica."""
    return pair.primary.dsn


@pytest.fixture
def proxy(scene: Scene, pair: ReplicatedPair) -> Iterator[Relay]:
    """The server that services find at the address of the database."""
    with relay_to(pair.primary.port) as relay:
        dsn = as_service(dsn_at(relay.port, scene.system.dsn))
        scene.system.configure(Mysql={"DSN": dsn})
        yield relay
        scene.stop_all()
        pair.open_both()


def change(database: Database, campaign_id: int, transition: Transition) -> float:
    """Change a campaign on the new primary; returns the time since boot of the commit."""
    with database.transaction() as cursor:
        assert change_state(cursor, campaign_id, transition, "test")
    return boot_time()


def outcomes(scene: Scene, campaign_id: int) -> int:
    return sum(map(bool, scene.statuses(campaign_id).values()))


@pytest.mark.parametrize(
    "server", ["mysql", pytest.param("mariadb", marks=pytest.mark.long_form)], indirect=True
)
def test_a_planned_switch_over_keeps_promises_1_to_4(
    scene: Scene, pair: ReplicatedPair, proxy: Relay
) -> None:
    """Pause, cancel and erasure on the new primary stop sends in time, and nothing is lost."""
    scene.provider.set_faults(SLOW)
    scene.system.configure(Scheduler={"Lease": "3s", "ChunkSize": SMALL_CHUNK, "Window": "60s"})
    _, (sender,) = scene.start_all(schedulers=0, senders=1)
    scene.begin(scene.scale.choose(3_000, 20_000), PAUSED)
    for campaign_id in (CANCELLED, GOES_ON):
        scene.system.create(campaign_id, "recipients.csv")
    scene.start("campaign-scheduler")
    scene.wait_for_calls(SOME)
    scene.stall([sender])
    claimed = {message.campaign_id for message in scene.claimed_by(sender)}
    assert claimed == {PAUSED, CANCELLED, GOES_ON}

    pair.demote()
    pair.promote()
    dsn = on_server(pair.replica, scene.system.dsn)
    scene.system.database = Database(MysqlSettings(dsn=parse_dsn(dsn)))
    before = outcomes(scene, GOES_ON)
    proxy.lead_to(pair.replica.port)
    moved = boot_time()
    stopped = {
        PAUSED: change(scene.system.database, PAUSED, Transition.PAUSE),
        CANCELLED: change(scene.system.database, CANCELLED, Transition.CANCEL),
    }
    wait_until(lambda: outcomes(scene, GOES_ON) > before)
    recovered = boot_time() - moved
    wait_until(lambda: boot_time() > max(stopped.values()) + ALLOWED + AFTERWARDS)
    late = [
        call
        for call in scene.provider.calls()
        if call.boot > stopped.get(call.sent.campaign_id, call.boot) + ALLOWED
    ]
    assert not late, f"{len(late)} sends began after pause or cancellation"

    wait_until(scene.system.is_ready)
    scene.provider.set_faults(SLOW)
    scene.stall([sender])
    held = [message for message in scene.claimed_by(sender) if message.campaign_id == GOES_ON]
    erased = {
        phone: scene.erase(phone)
        for phone in (scene.phones[message.seq - 1] for message in held[-PEOPLE:])
    }
    scene.system.change(PAUSED, "resume")
    wait_until(lambda: boot_time() > max(erased.values()) + ALLOWED + AFTERWARDS)
    scene.hurry()
    for campaign_id in (GOES_ON, PAUSED):
        account = scene.finish(campaign_id)
        scene.found("planned switch-over", account, recovered=recovered)
        assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
        assert account.counts.keys() <= {Status.SENT, Status.CANCELLED}
    late = [
        call
        for call in scene.provider.calls()
        if call.boot > erased.get(call.sent.phone, call.boot) + ALLOWED
    ]
    assert not late, f"{len(late)} sends to people who had been erased"
    assert scene.suspects() == 0
