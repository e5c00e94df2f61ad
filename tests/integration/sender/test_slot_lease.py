"""Slots leased from a real database by several senders at once."""

import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import slots_of
from campaign_common.domain.limits.planning import StoredSlot
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.limits.slots import Block, SlotDemand, SlotPlan
from campaign_common.store.limits.days import read_taken, return_of_day, take_of_day
from campaign_common.store.limits.live_limits import (
    CONFIGURED,
    read_all_live,
    read_live,
    read_provider_events,
    set_live,
)
from campaign_common.store.limits.slot_leases import (
    SWEPT_AFTER,
    SWEPT_AT_ONCE,
    forget_demand,
    insert_slot,
    read_slots,
    state_demand,
    sweep_some,
    take_spare,
)
from campaign_sender.delivery.send_guard import boot_time
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.slot_lease import SlotLease
from tests.integration.sender.scene import Scene

LIMITS = ProviderLimits(per_second=Decimal(60))

SIXTEEN = " UNION ALL ".join(f"SELECT {n} n" for n in range(16))


class Leaser:
    """A sender that takes every grant it gets, in a thread of its own."""

    def __init__(self, database: Database, name: str) -> None:
        self.lease = SlotLease(database, "http", name, DatabaseClock(boot_time))
        self.starts: list[float] = []
        """Times by the server's clock."""
        self.limits = LIMITS
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=t) for t in (self._turn, self._send)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _turn(self) -> None:
        while not self._stop.wait(self.lease.until_turn(500)):
            self.lease.turn(self.limits, 500, SlotDemand(500))

    def _send(self) -> None:
        while not self._stop.wait(0.003):
            while (taken := self.lease.take(1)) is not None:
                reading = self.lease.reading()
                if reading is not None and boot_time() <= taken.until:
                    self.starts.append(reading.moment)


def _demands(cursor: Cursor) -> list[tuple[str, str, int]]:
    cursor.execute("SELECT provider, sender, wanted FROM provider_demand")
    return list(cursor.fetchall())


def _per_slot(leasers: list[Leaser]) -> Counter[int]:
    return Counter(int(start) for one in leasers for start in one.starts)


def test_senders_share_the_slots_of_one_provider(scene: Scene) -> None:
    """Each slot has its quota at most, also when one of three is gone and the limit is lowered."""
    leasers = [Leaser(scene.database, f"{number:016x}") for number in range(3)]
    for one in leasers:
        one.start()
    try:
        time.sleep(6.5)
        leasers[0].stop()
        lowered = boot_time()
        for one in leasers[1:]:
            one.limits = replace(LIMITS, per_second=Decimal(6))
        reading = leasers[1].lease.reading()
        assert reading is not None
        lowered = reading.moment
        time.sleep(4.0)
    finally:
        for one in leasers[1:]:
            one.stop()
    counts = _per_slot(leasers)
    assert max(counts.values()) <= 60
    assert max(counts.values()) >= 40, "hardly any grant was used"
    assert all(one.starts for one in leasers)
    later = [start for one in leasers for start in one.starts if start > lowered + 2.0]
    assert 0 < len(later) <= 6 * 3


def test_what_a_sender_wants_is_forgotten_with_it(scene: Scene) -> None:
    lease = SlotLease(scene.database, "http", "00000000000000aa", DatabaseClock(boot_time))
    deadline = time.monotonic() + 5
    with scene.database.reading() as cursor:
        while not _demands(cursor) and time.monotonic() < deadline:
            lease.turn(LIMITS, 7, SlotDemand(7))
            time.sleep(0.1)
        assert _demands(cursor) == [("http", "00000000000000aa", 8)], "in steps"
        assert read_slots(cursor, "http").stored[-1].plan.quota == 0, "the first slots are blank"
        forget_demand(cursor, "00000000000000aa")
        assert _demands(cursor) == []


@pytest.mark.parametrize(
    ("wanted", "taken"), [([3, 4], [3, 4]), ([8, 4, 1], [8, 2, 0]), ([20], [10])]
)
def test_a_day_is_never_given_out_twice(scene: Scene, wanted: list[int], taken: list[int]) -> None:
    day = date(2027, 1, 1)
    got = []
    for units in wanted:
        with scene.database.reading() as cursor:
            got.append(take_of_day(cursor, "http", day, wanted=units, per_day=10))
    assert got == taken
    with scene.database.transaction() as cursor:
        return_of_day(cursor, "http", day, 2)
    with scene.database.reading() as cursor:
        assert read_taken(cursor, "http", day) == sum(taken) - 2
        assert read_taken(cursor, "other", day) == 0


def test_live_limits_come_with_an_event(scene: Scene) -> None:
    def change(limits: ProviderLimits | None) -> None:
        with scene.database.transaction() as cursor:
            set_live(cursor, "http", limits, "ops")

    change(LIMITS)
    change(replace(LIMITS, per_day=5))
    with scene.database.reading() as cursor:
        live = read_live(cursor, "http")
        assert live is not None
        assert live.limits == replace(LIMITS, per_day=5)
        assert read_all_live(cursor).limits == {"http": live}
    change(None)
    with scene.database.reading() as cursor:
        assert read_live(cursor, "http") is None
        events = read_provider_events(cursor, "http", limit=10)
    assert [event.details["limits"] and event.details["limits"]["per_day"] for event in events] == [
        None,
        5,
        None,
    ]


def test_spare_grants_are_taken_once(scene: Scene) -> None:
    """By one statement each, on the server that planned them, while their slot runs."""

    def take(slot: int, offered: range, wanted: int) -> range:
        with scene.database.reading() as cursor:
            return take_spare(cursor, "http", slot, offered, wanted)

    with scene.database.reading() as cursor:
        while (read := read_slots(cursor, "http")).moment % 1.0 > 0.3:
            time.sleep(0.05)
        present = int(read.moment)
        insert = "INSERT INTO provider_slots VALUES (%s, %s, 9, 9, JSON_OBJECT(), 0, %s)"
        cursor.execute(insert, ("http", present, read.server))
        cursor.execute(insert, ("http", present + 1, "elsewhere/1/1"))
    taken = [
        take(present, range(2, 7), 2),
        take(present, range(3, 7), 2),
        take(present, range(7), 9),
    ]
    assert taken == [range(2, 4), range(4, 6), range(6, 7)]
    assert take(present, range(7), 1) == range(0), "all are taken"
    assert take(present, range(0), 1) == range(0)
    assert take(present + 1, range(5), 1) == range(0), "not yet, and of another server"


def test_a_slot_is_planned_by_the_limits_that_hold(scene: Scene) -> None:
    """Blocks are read as they were planned."""
    blocks = (Block("a", 3), Block("b", 2, owed=1))

    def insert(version: int) -> bool:
        with scene.database.reading() as cursor:
            read = read_slots(cursor, "http")
            plan = SlotPlan.of_blocks(int(read.moment) + 1, 5, Decimal(5), blocks)
            return insert_slot(cursor, "http", StoredSlot(plan, 0, read.server), version)

    with scene.database.transaction() as cursor:
        set_live(cursor, "http", LIMITS, "ops")
    with scene.database.reading() as cursor:
        live = read_live(cursor, "http")
    assert live is not None
    assert [insert(CONFIGURED), insert(live.version + 1), insert(live.version)] == [
        False,
        False,
        True,
    ]
    with scene.database.transaction() as cursor:
        set_live(cursor, "http", None, "ops")
        set_live(cursor, "http", LIMITS, "ops")
    time.sleep(1.0)
    assert not insert(live.version), "a version does not come back"
    with scene.database.reading() as cursor:
        stored = read_slots(cursor, "http").stored
    assert [one.plan.blocks for one in stored] == [blocks]


def test_slots_of_campaigns_that_have_ended_are_swept(scene: Scene) -> None:
    """A scheduler deletes them, as no sender looks at them any more; those of now stay."""
    with scene.database.transaction() as cursor:
        state_demand(cursor, slots_of(CampaignId(1)), "00000000000000aa", SlotDemand(5))
        for age in (0, SWEPT_AFTER + 5):
            cursor.execute(
                "INSERT INTO provider_slots VALUES"
                " (%s, FLOOR(UNIX_TIMESTAMP()) - %s, 1, 1, '{}', 0, 'one')",
                (slots_of(CampaignId(1)), age),
            )
        assert not sweep_some(cursor)
        cursor.execute("SELECT COUNT(*) FROM provider_slots")
        assert cursor.fetchone() == (1,)
        assert _demands(cursor)


def test_slots_are_swept_in_parts(scene: Scene) -> None:
    """However many there are, by their index, so that no statement takes long."""
    old = "FLOOR(UNIX_TIMESTAMP()) - 100 - 65536"
    number = "d0.n + 16 * d1.n + 256 * d2.n + 4096 * d3.n"
    with scene.database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO provider_slots (provider, slot, quota, per_second, shares, server)"
            f" SELECT 'http', {old} + {number}, 1, 1, '{{}}', 'one'"
            f" FROM {', '.join(f'({SIXTEEN}) d{digit}' for digit in range(4))}"
        )
    parts = 1
    while scene.database.run(sweep_some):
        parts += 1
    assert parts == 16**4 // SWEPT_AT_ONCE + 1
    with scene.database.reading() as cursor:
        cursor.execute("SELECT COUNT(*) FROM provider_slots")
        assert cursor.fetchone() == (0,)
        cursor.execute("EXPLAIN SELECT * FROM provider_slots WHERE slot < 5")
        assert "by_slot" in str(cursor.fetchall())
