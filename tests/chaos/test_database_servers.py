"""A campaign over two database servers, of which the second is killed, or hangs, and comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from campaign_common.database import Database
from campaign_common.domain.message import Status
from campaign_common.domain.shard import shard_of
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.servers.database import DatabaseServer
from tests.chaos.accounts import Account, compare
from tests.chaos.relay import Relay, dsn_at, relay_to
from tests.chaos.scene import CAMPAIGN, Scene, boot_time
from tests.support.providers.recording_provider import Faults
from tests.support.scraping import Scrape
from tests.support.servers.databases import fresh_schema, small_server
from tests.support.servers.running import running
from tests.support.services.api_service import make_schema
from tests.support.services.processes import STOP_SECONDS, Process
from tests.support.services.system import LOOK_AGAIN, SHARDS
from tests.support.waiting import wait_until

ELSEWHERE = range(SHARDS // 2, SHARDS)
CLOSE_BEHIND = {"Lease": "3s", "ChunkSize": 500, "Window": "2s"}
"""Messages that wait for the server that is away would soon fill the window of all."""
OWNED = "SELECT COUNT(*) FROM shard_claims WHERE owner_name LIKE '%-{pid}'"
SIGHT = 2.0
"""Seconds after which no call starts any more: the last look is a second old, and one for luck
that a busy machine has."""


class Second(NamedTuple):
    """The second server, and the schema that it has for the test."""

    server: DatabaseServer
    database: Database

    def outcomes(self) -> dict[int, int]:
        """The status number of each message recorded here, by sequence number."""
        tables = " UNION ALL ".join(f"SELECT seq, status FROM messages_{n}" for n in ELSEWHERE)
        with self.database.reading() as cursor:
            cursor.execute(tables)
            return dict(cursor.fetchall())

    def shards_of(self, sender: Process) -> int:
        """The number of shards here that this sender owns."""
        return self.count(OWNED.format(pid=sender.pid))

    def count(self, sql: str) -> int:
        with self.database.reading() as cursor:
            cursor.execute(sql)
            ((n,),) = cursor.fetchall()
        return int(n)


@contextmanager
def second_server(folder: Path, cache: Cache) -> Iterator[tuple[DatabaseServer, str]]:
    """Run a server of its own, which may be killed; yields it and the DSN of a fresh schema."""
    server = small_server(folder / "second-mariadb", "mariadb", cache)
    with running(server), fresh_schema(server.dsn) as dsn:
        yield server, dsn


@contextmanager
def shards_moved(scene: Scene, server: DatabaseServer, dsn: str, port: int) -> Iterator[Second]:
    """Have the upper half of the shards on this server, which the services find at `port`."""
    shards = [f"{ELSEWHERE.start}-{ELSEWHERE.stop - 1}"]
    scene.system.configure(MysqlShards=[{"DSN": dsn_at(port, dsn), "Shards": shards}])
    make_schema(scene.system.config)
    database = Database(MysqlSettings(dsn=parse_dsn(dsn)))
    yield Second(server, database)
    database.close()
    scene.stop_all()
    for process in scene.running():  # they hand over to the server, which must be there
        process.wait(STOP_SECONDS)


@pytest.fixture
def second(scene: Scene, servers_folder: Path, cache: Cache) -> Iterator[Second]:
    """A server that the upper half of the shards lives on; it may be killed."""
    with (
        second_server(servers_folder, cache) as (server, dsn),
        shards_moved(scene, server, dsn, parse_dsn(dsn).port) as second,
    ):
        yield second


@pytest.fixture
def behind_relay(
    scene: Scene, servers_folder: Path, cache: Cache
) -> Iterator[tuple[Second, Relay]]:
    """The same, but the services reach it through a relay that may be frozen."""
    with (
        second_server(servers_folder, cache) as (server, dsn),
        relay_to(parse_dsn(dsn).port) as relay,
        shards_moved(scene, server, dsn, relay.port) as second,
    ):
        yield second, relay


def of_second(phone: str) -> bool:
    return shard_of(phone, SHARDS) in ELSEWHERE


def statuses(scene: Scene, second: Second) -> dict[str, int]:
    """Everybody's status number: those of the main server's shards, and those of the second's."""
    recorded = second.outcomes()
    there = {
        phone: recorded.get(seq, 0) for seq, phone in enumerate(scene.phones, 1) if of_second(phone)
    }
    return scene.statuses(CAMPAIGN) | there


def account_of(scene: Scene, second: Second) -> Account:
    return compare(scene.phones, statuses(scene, second), scene.calls_of(CAMPAIGN, 0))


def servers_away(port: int) -> set[str]:
    """The database servers that a sender says it has lost sight of."""
    scrape = Scrape.of(port)
    servers = scrape.label_values("server")
    return {
        server for server in servers if not scrape.sum("campaign_database_server_up", server=server)
    }


def test_shards_of_a_lost_server_wait_and_others_go_on(scene: Scene, second: Second) -> None:
    """While a server is away its shards wait and the others go on."""
    scene.provider.set_faults(Faults(latency=0.05))
    scene.system.configure(Scheduler=CLOSE_BEHIND)
    scene.start_all(senders=1)
    port = free_port()
    watched = scene.start("campaign-sender", scene.configuration("watched", MetricsPort=port))
    # A shard that changes its owner while its server is away leaves calls that nobody could record.
    wait_until(lambda: scene.shards_of(watched) or second.shards_of(watched))
    scene.begin(scene.scale.choose(16_000, 100_000))
    here = sum(not of_second(phone) for phone in scene.phones)
    scene.wait_for_calls(2_000)
    second.server.kill()
    killed = boot_time()
    erased = next(phone for phone in reversed(scene.phones) if of_second(phone))
    scene.erase(erased)
    for verb in ("pause", "resume"):  # all of it is published again, theirs without a look-up
        answer = requests.post(f"{scene.system.url}/v1/campaigns/{CAMPAIGN}/{verb}", timeout=30)
        assert answer.status_code == 503, answer.text  # for the outcomes that it cannot tell
    assert scene.count("SELECT COUNT(*) FROM campaigns WHERE state = 'running' AND epoch > 2") == 1
    wait_until(
        lambda: sum(map(bool, scene.recorded().values())) == here,
        scene.scale.patience(60),
        interval=LOOK_AGAIN,
    )
    wait_until(lambda: servers_away(port) == {second.database.name})
    answer = requests.get(f"{scene.system.url}/v1/campaigns/{CAMPAIGN}", timeout=30)
    assert answer.status_code == 503, answer.text
    begun = [call for call in scene.calls_of(CAMPAIGN, 0) if of_second(call.sent.phone)]
    assert 0 < len(begun) < len(scene.phones) - here
    assert all(call.boot < killed + SIGHT for call in begun), "called without its database"

    second.server.start()
    scene.hurry()
    wait_until(lambda: not servers_away(port))
    wait_until(scene.has_finished, scene.scale.patience(120), interval=LOOK_AGAIN)
    account = account_of(scene, second)
    scene.found("one of two databases killed", account)
    assert (account.lost, account.unknown, account.duplicates) == (0, 0, 0)
    assert account.counts == {Status.SENT: len(scene.phones) - 1, Status.CANCELLED: 1}
    assert (scene.watchdog_rounds(), scene.suspects()) == (0, 0)
    assert second.count("SELECT COUNT(*) FROM possibly_sent") == 0
    assert scene.count("SELECT COUNT(*) FROM shard_commands") == 0


def test_a_hanging_server_delays_others_by_one_query_at_most(
    scene: Scene, behind_relay: tuple[Second, Relay]
) -> None:
    """A server that hangs holds the others up no longer than a query may take."""
    second, relay = behind_relay
    scene.provider.set_faults(Faults(latency=0.05))
    scene.system.configure(Scheduler=CLOSE_BEHIND)
    scene.start_all(senders=2)
    scene.begin(scene.scale.choose(16_000, 100_000))
    here = sum(not of_second(phone) for phone in scene.phones)
    scene.wait_for_calls(2_000)
    relay.freeze()
    frozen = boot_time()
    wait_until(
        lambda: sum(map(bool, scene.recorded().values())) == here,
        scene.scale.patience(60),
        interval=LOOK_AGAIN,
    )
    calls = scene.calls_of(CAMPAIGN, 0)
    there = [call.boot for call in calls if of_second(call.sent.phone)]
    assert 0 < len(there) < len(scene.phones) - here
    assert max(there) < frozen + SIGHT, "called without its database"
    moments = sorted(call.boot for call in calls if not of_second(call.sent.phone))
    held_up = max(after - before for before, after in pairwise(moments) if after > frozen)
    assert held_up < second.database.settings.query_timeout + SIGHT

    relay.thaw()
    scene.hurry()
    wait_until(scene.has_finished, scene.scale.patience(120), interval=LOOK_AGAIN)
    account = account_of(scene, second)
    scene.found("one of two databases hangs", account, recovered=held_up)
    assert (account.lost, account.unknown, account.duplicates) == (0, 0, 0)
    assert account.counts == {Status.SENT: len(scene.phones)}
    assert second.count("SELECT COUNT(*) FROM possibly_sent") == 0
