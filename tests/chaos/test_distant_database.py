"""A database that is far away: the read before sends is one round trip, and has a bound."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import count, islice

import pytest
import requests

from campaign_admin.doctor import CheckStatus
from campaign_admin.doctor.view import check_views
from campaign_common.database import Databases
from campaign_common.domain.message import Status
from campaign_common.domain.shard import shard_of
from campaign_common.dsn import parse_dsn
from campaign_common.settings import load_settings
from local_stack.ports import free_port
from tests.chaos.relay import Relay, dsn_at, relay_to
from tests.chaos.scene import CAMPAIGN, FIRST_PHONE, Scene
from tests.support.servers.databases import fresh_schema
from tests.support.services.api_service import make_schema
from tests.support.services.system import LOOK_AGAIN, SHARDS
from tests.support.waiting import wait_until

FAR = 0.15
"""Seconds in each direction: a round trip of 300 ms."""
TOO_FAR = 0.6
SMALL = 20
SHARDS_USED = {0, SHARDS - 1}
"""One of each server; every further one costs each transaction two round trips."""
SECOND = CAMPAIGN + 1
SAID = "a read of the database takes"
CLAIMS = "SELECT COUNT(*) FROM shard_claims WHERE claimed <> ''"
"""Without a lock, which a distant transaction holds for long."""


class Distant:
    """A sender that is far from its database servers, while the rest is near."""

    def __init__(self, scene: Scene, relays: list[Relay]) -> None:
        self.scene = scene
        self.relays = relays
        self.shards_of_main = SHARDS // len(relays)
        self.health = free_port()
        mysql = {"DSN": dsn_at(relays[0].port, scene.system.dsn), "TranTimeout": "30s"}
        self.config = scene.configuration(
            "far", Mysql=mysql, HealthPort=self.health, Host="127.0.0.1"
        )

    def start(self) -> None:
        """Run API, scheduler and the sender, as yet near, until it owns every shard."""
        self.scene.start("campaign-api")
        self.scene.start("campaign-scheduler")
        sender = self.scene.start("campaign-sender", self.config)
        wait_until(self.scene.system.is_ready)
        wait_until(lambda: len(self.scene.shards_of(sender)) == self.shards_of_main)
        wait_until(lambda: self.ready() == "")

    def ready(self) -> str:
        """The reason why the sender is not ready; "" when it is."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.health}/readyz", timeout=5)
        except requests.ConnectionError:
            return "nobody listens"
        return str(answer.json().get("reason", ""))

    def last_check_by_the_doctor(self) -> CheckStatus:
        """Make this one check, for all of them together would take minutes from there."""
        settings = load_settings(self.config, {})
        with closing(Databases.configured(settings)) as databases:
            (found,) = check_views(databases, settings)
        return found.status

    def begin(self) -> None:
        """Make a small campaign to people of few shards."""
        numbers = map(str, count(FIRST_PHONE))
        few = (phone for phone in numbers if shard_of(phone, SHARDS) in SHARDS_USED)
        self.scene.phones = list(islice(few, SMALL))
        self.scene.system.write_csv("".join(f"user,{phone}\n" for phone in self.scene.phones))
        self.scene.system.create(CAMPAIGN, "recipients.csv")

    def move_to(self, delay: float) -> None:
        for relay in self.relays:
            relay.delay(delay)


@pytest.fixture
def distant(scene: Scene, request: pytest.FixtureRequest) -> Iterator[Distant]:
    """One server, or another one with half of the shards, at the same address for everybody."""
    port = parse_dsn(scene.system.dsn).port
    with ExitStack() as stack:
        relays = [stack.enter_context(relay_to(port))]
        if request.param == "two servers":
            dsn = stack.enter_context(fresh_schema(scene.system.dsn))
            relays.append(stack.enter_context(relay_to(port)))
            shards = {"DSN": dsn_at(relays[1].port, dsn), "Shards": [f"{SHARDS // 2}-{SHARDS - 1}"]}
            scene.system.configure(MysqlShards=[shards])
            make_schema(scene.system.config)
        yield Distant(scene, relays)
        scene.stop_all()


@pytest.mark.long_form
@pytest.mark.parametrize("distant", ["two servers"], indirect=True)
def test_300_ms_to_each_of_two_servers_send_a_campaign(distant: Distant) -> None:
    """Shards on another server than the campaigns need two reads before a send, and are sent."""
    scene = distant.scene
    distant.start()
    distant.move_to(FAR)
    distant.begin()
    wait_until(scene.has_finished, scene.scale.patience(180), interval=LOOK_AGAIN)
    calls = scene.calls_of(CAMPAIGN, 0)
    assert sorted(call.sent.phone for call in calls) == scene.phones


@pytest.mark.parametrize("distant", ["one server"], indirect=True)
def test_300_ms_send_a_campaign_and_beyond_the_bound_it_is_told(distant: Distant) -> None:
    """Beyond the bound nothing is sent, and log, readiness and doctor name the reason."""
    scene = distant.scene
    distant.start()
    distant.move_to(FAR)
    distant.begin()
    account = scene.finish()
    assert (account.counts, account.duplicates) == ({Status.SENT: SMALL}, 0)

    distant.move_to(TOO_FAR)
    wait_until(lambda: SAID in distant.ready(), scene.scale.patience(120))
    scene.system.create(SECOND, "recipients.csv")
    wait_until(lambda: scene.count(CLAIMS) > 0, scene.scale.patience(120))
    assert distant.last_check_by_the_doctor() == CheckStatus.ERROR
    (log,) = distant.config.parent.glob("campaign-sender-*.log")
    assert "database reads too slow, sends stopped" in log.read_text()
    assert scene.calls() == SMALL

    distant.move_to(0.0)
    account = scene.finish(SECOND)
    assert (account.counts, account.duplicates) == ({Status.SENT: SMALL}, 0)
    wait_until(lambda: distant.ready() == "")
