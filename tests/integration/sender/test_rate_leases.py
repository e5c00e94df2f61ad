"""Grants of many campaigns' rates, leased from a real database."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, Self

import pytest
import structlog

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import CampaignPace
from campaign_common.domain.limits.planning import StoredSlot
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.limits.slots import SlotDemand, SlotPlan
from campaign_common.dsn import parse_dsn
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.limits.campaign_slots import insert_campaign_slots
from campaign_common.store.limits.slot_leases import read_slots
from campaign_sender.limiting import rate_leases
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.rate_leases import RateLeases
from campaign_sender.limiting.slot_lease import SlotLease
from tests.chaos.relay import dsn_at, relay_to
from tests.integration.sender.scene import INSERT_CAMPAIGN, Scene
from tests.support.servers.databases import DatabaseServers, SchemaServer
from tests.support.waiting import wait_until
from tests.unit.sender.messages import version

SENDER = "0123456789abcdef"


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: how leases are asked for does not depend on it; test_slot_lease has both."""
    return database_servers.get("mariadb")


class CountingDatabase:
    """A database that counts statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements: list[str] = []
        self.pause = 0.0
        """Seconds that each takes."""

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Stand for the real one."""
        with self._database.reading() as cursor:
            execute = cursor.execute

            def counted(query: str, args: object = None) -> int:
                self.statements.append(query)
                time.sleep(self.pause)
                return execute(query, args)

            cursor.execute = counted  # type: ignore[method-assign, assignment]
            yield cursor


class Leaser:
    """A sender with messages of some campaigns, that takes every grant it gets."""

    def __init__(
        self, scene: Scene, per_second: dict[CampaignId, Decimal], far: Database | None = None
    ) -> None:
        database: Any = CountingDatabase(far or scene.database)
        clock = DatabaseClock(boot_time)
        self.database: CountingDatabase = database
        self.waiting = dict.fromkeys(per_second, 5)
        self.starts: Counter[CampaignId] = Counter()
        self.granted: set[CampaignId] = set()
        self.paces = CampaignPaces(lambda one: CampaignRate(one, SENDER, clock), lambda: 0.0)
        self.paces.update({i: version(pace=CampaignPace(rate)) for i, rate in per_second.items()})
        self.leases = RateLeases(
            database, SENDER, self.paces, clock, lambda _: self.waiting, self.granted.update
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> Self:
        self.leases.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.leases.stop()

    def count(self, seconds: float) -> None:
        """Count starts and statements for so many seconds."""
        self.starts.clear()
        self.database.statements.clear()
        time.sleep(seconds)

    def _send(self) -> None:
        while not self._stop.wait(0.05):
            for campaign_id, rate in self.paces.rates.items():
                if (taken := rate.take(5)) is not None:
                    self.starts[campaign_id] += taken.units


def _campaigns(scene: Scene, count: int, per_second: int) -> dict[CampaignId, Decimal]:
    ids = [CampaignId(1000 + n) for n in range(count)]
    with scene.database.transaction() as cursor:
        cursor.executemany(INSERT_CAMPAIGN, [(one, 1) for one in ids])
        cursor.execute("UPDATE campaigns SET max_rate = %s WHERE id IN %s", (per_second, ids))
    return dict.fromkeys(ids, Decimal(per_second))


def test_many_campaigns_cost_few_statements(scene: Scene) -> None:
    """Each has its rate, and one without messages here costs nothing."""
    campaigns = _campaigns(scene, 300, 2)
    with Leaser(scene, campaigns) as leaser:
        wait_until(lambda: leaser.starts.keys() == campaigns.keys(), 20)
        began = time.monotonic()
        leaser.count(0.0)
        wait_until(lambda: min(map(leaser.starts.__getitem__, campaigns)) >= 6, 30)
        seconds = time.monotonic() - began
        assert len(leaser.database.statements) <= 50 * seconds
        assert max(leaser.starts.values()) <= 2 * (seconds + 1.5)
        assert leaser.granted == campaigns.keys()
        leaser.waiting.clear()
        time.sleep(5.5)
        leaser.count(1.0)
        assert not leaser.database.statements


def test_a_part_that_is_too_late_leaves_the_others_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine so busy that a turn of all takes longer than a slot; it is said once."""
    monkeypatch.setattr(rate_leases, "PLANNED_TOGETHER", 5)
    # Parts stay small, although each takes as long as a distant database would.
    monkeypatch.setattr(rate_leases, "PART_TIME", 100.0)
    monkeypatch.setattr(rate_leases, "ROTATED_AFTER", 6)
    campaigns = _campaigns(scene, 20, 2)
    with structlog.testing.capture_logs() as logs, Leaser(scene, campaigns) as leaser:
        leaser.database.pause = 0.15
        wait_until(lambda: leaser.starts.keys() == campaigns.keys(), 60)
        leaser.database.pause = 0.35  # a turn that reads three parts is longer than a slot
        wait_until(lambda: logs, 30)
    assert [one["event"] for one in logs][:1] == ["grants leased too late, sends delayed"]


@pytest.fixture
def far(database: str, scene: Scene) -> Iterator[Database]:
    """The same database, with a round trip of 300 ms."""
    with relay_to(parse_dsn(database).port) as relay:
        dsn = parse_dsn(dsn_at(relay.port, database))
        distant = Database(replace(scene.database.settings, dsn=dsn))
        relay.delay(0.15)
        yield distant
        distant.close()


def test_a_rate_is_kept_at_300_ms_from_the_database(scene: Scene, far: Database) -> None:
    """All of it; of a provider's limit what is near both ends of a slot is lost."""
    (campaign_id,) = campaigns = _campaigns(scene, 1, 20)
    lease = SlotLease(far, "http", "0123456789abffff", DatabaseClock(boot_time))
    stop = threading.Event()
    units = 0

    def turn() -> None:
        while not stop.wait(lease.until_turn(50)):
            lease.turn(ProviderLimits(per_second=Decimal(20)), 50, SlotDemand(50))

    def take() -> None:
        nonlocal units
        while not stop.wait(0.01):
            taken = lease.take(5)
            units += taken.units if taken else 0

    threads = [threading.Thread(target=target) for target in (turn, take)]
    with Leaser(scene, campaigns, far) as leaser:
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: leaser.starts[campaign_id] > 0 and units > 0, 20)
            units = 0
            leaser.count(6.0)
            started, used = leaser.starts[campaign_id], units
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert 0.8 * 120 <= started <= 1.4 * 120
    assert 0.4 * 120 <= used <= 1.05 * 120 + 20


def test_a_rate_is_planned_as_it_is_now(scene: Scene) -> None:
    """A sender that has not read that it was lowered does not go on with the higher one."""
    (campaign_id,) = campaigns = _campaigns(scene, 1, 20)
    with Leaser(scene, campaigns) as leaser:
        wait_until(lambda: leaser.starts[campaign_id] > 5, 20)
        with scene.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET max_rate = 2 WHERE id = %s", (campaign_id,))
        time.sleep(2.25)
        leaser.count(2.0)
        assert leaser.starts[campaign_id] <= 2 * 3
        wait_until(lambda: leaser.starts[campaign_id] > 0, 10)
        assert leaser.paces.rates[campaign_id].per_second == 20, "not read yet"


@pytest.mark.parametrize(("per_second", "inserted"), [("20", 1), ("20.001", 0), ("5", 0)])
def test_a_slot_of_another_rate_is_not_stored(scene: Scene, per_second: str, inserted: int) -> None:
    """The statement compares the campaign's rate: the planner may have read an earlier one."""
    (campaign_id,) = _campaigns(scene, 1, 20)
    with scene.database.reading() as cursor:
        read = read_slots(cursor, "http")
        plan = SlotPlan(int(read.moment) + 2, 7, Decimal(per_second), {SENDER: 7})
        planned = {campaign_id: StoredSlot(plan, 0, read.server)}
        assert insert_campaign_slots(cursor, planned) == inserted
        assert insert_campaign_slots(cursor, planned) == 0, "stored before"
        stored = read_slots(cursor, f"campaign:{campaign_id}").stored
    assert stored == ([planned[campaign_id]] if inserted else [])
