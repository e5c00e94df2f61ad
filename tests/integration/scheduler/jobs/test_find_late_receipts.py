"""Receipts that do not come in time are noted, counted, and replaced by those that come later."""

import threading
from collections.abc import Mapping

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.jobs import find_late_receipts
from campaign_scheduler.jobs.find_late_receipts import LateReceiptFinder
from tests.integration.common.receipts.conftest import receipt_databases, receipts
from tests.integration.common.receipts.scene import CAMPAIGN, NAMED, SHARDS, ReceiptScene, receipt

__all__ = ["receipt_databases", "receipts"]

HOUR = 3_600.0
ALPHA = {NAMED: HOUR}
SILENT, ACCEPTED, DELIVERED, YOUNG, FAILED = (
    range(1, 9),
    range(9, 13),
    range(13, 17),
    range(17, 21),
    range(21, 25),
)
LATE = [*SILENT, *ACCEPTED]


def on_all(scene: ReceiptScene, *statements: str) -> None:
    for database in scene.databases.all:
        with database.transaction() as cursor:
            for statement in statements:
                cursor.execute(statement)


def age(scene: ReceiptScene, interval: str, condition: str) -> None:
    """Make messages older than they are."""
    for shard in range(SHARDS):
        with scene.databases.of_shard(shard).transaction() as cursor:
            cursor.execute(
                f"UPDATE messages_{shard} SET sent_at = sent_at - INTERVAL {interval}"
                f" WHERE {condition}"
            )


def finder(
    scene: ReceiptScene, timeouts: Mapping[str, float] = ALPHA, routes: Routes | None = None
) -> LateReceiptFinder:
    return LateReceiptFinder(
        scene.databases,
        ServerAvailability(scene.databases),
        timeouts,
        routes or Routes(),
        threading.Event(),
    )


def look(scene: ReceiptScene, timeouts: Mapping[str, float] = ALPHA) -> None:
    """Look at once at what is to be looked at at any time."""
    finder(scene, timeouts).look()
    on_all(scene, "UPDATE receipt_looks SET look_at = NOW(6)")
    finder(scene, timeouts).look()


def late(scene: ReceiptScene) -> list[int]:
    states = scene.states()
    return sorted(seq for seq, (*_, state) in states.items() if state == ReceiptState.NO_RECEIPT)


def looks(scene: ReceiptScene) -> list[float]:
    """Seconds until the next looks."""
    with scene.databases.main.reading() as cursor:
        cursor.execute("SELECT TIMESTAMPDIFF(SECOND, NOW(6), look_at) FROM receipt_looks")
        return [float(seconds) for (seconds,) in cursor.fetchall()]


@pytest.fixture
def aged(receipts: ReceiptScene) -> ReceiptScene:
    """A campaign of two hours ago: messages with and without receipts, and some of just now."""
    on_all(
        receipts,
        "DELETE FROM receipt_looks",
        "UPDATE campaigns SET started_at = NOW(6) - INTERVAL 2 HOUR",
    )
    for seq in (*SILENT, *ACCEPTED, *DELIVERED, *YOUNG):
        receipts.record(seq, Status.SENT)
    for seq in FAILED:
        receipts.record(seq, Status.FAILED)
    receipts.write([receipt(seq, ReceiptRank.ACCEPTED) for seq in ACCEPTED])
    receipts.write([receipt(seq, ReceiptRank.DELIVERED) for seq in DELIVERED])
    age(receipts, "90 MINUTE", f"seq NOT BETWEEN {YOUNG.start} AND {YOUNG.stop - 1}")
    return receipts


def test_what_did_not_come_in_time_is_noted_and_counted(
    aged: ReceiptScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps and transactions that are smaller than the campaign; the others stay as they are."""
    monkeypatch.setattr(find_late_receipts, "SPAN", 7)
    monkeypatch.setattr(find_late_receipts, "BATCH", 2)
    look(aged)
    assert late(aged) == LATE
    assert sum(aged.counted().values()) == len(LATE) + len(DELIVERED)
    assert aged.counted() == aged.recounted()
    look(aged)
    assert late(aged) == LATE
    assert aged.counted() == aged.recounted()


def test_a_report_that_comes_later_replaces_it(aged: ReceiptScene) -> None:
    look(aged)
    aged.write([receipt(seq, ReceiptRank.SENT) for seq in LATE])
    assert late(aged) == LATE
    aged.write([receipt(seq, ReceiptRank.DELIVERED) for seq in LATE])
    assert late(aged) == []
    assert aged.counted() == aged.recounted()
    look(aged)
    assert late(aged) == []


def test_it_is_looked_at_again_when_the_next_time_is_over(aged: ReceiptScene) -> None:
    """And no more once the campaign has ended, and all its times are over."""
    look(aged)
    (seconds,) = looks(aged)
    assert HOUR - 60 < seconds <= HOUR
    on_all(aged, "UPDATE campaigns SET state = 'finished', finished_at = NOW(6) - INTERVAL 3 HOUR")
    age(aged, "90 MINUTE", "TRUE")
    look(aged)
    assert late(aged) == [*LATE, *YOUNG]
    assert looks(aged) == []


def test_a_campaign_that_was_short_is_looked_at_after_its_end(aged: ReceiptScene) -> None:
    """It is enrolled as it finishes; another provider's is not."""
    for timeouts in ({"beta": HOUR}, ALPHA):
        with aged.databases.main.transaction() as cursor:
            finder(aged, timeouts).enroll_finished(cursor, [CAMPAIGN])
    (seconds,) = looks(aged)
    assert HOUR - 60 < seconds <= HOUR


def test_the_time_of_each_provider_of_a_route_counts(aged: ReceiptScene) -> None:
    """The campaign names a route; one provider of it has no time."""
    on_all(aged, "UPDATE campaigns SET provider = 'both'")
    for shard in range(SHARDS):
        with aged.databases.of_shard(shard).transaction() as cursor:
            cursor.execute(
                f"UPDATE messages_{shard} SET provider = IF(seq < 5, %s, 'beta')", (NAMED,)
            )
    routes = Routes({"both": Route(((NAMED, 1), ("beta", 1)))})
    finder(aged, ALPHA, routes).look()
    assert late(aged) == [1, 2, 3, 4]


def test_nothing_is_looked_at_without_a_time(aged: ReceiptScene) -> None:
    for timeouts in ({}, {"beta": HOUR}):
        look(aged, timeouts)
    assert looks(aged) == []
    assert late(aged) == []


def test_a_purged_campaign_is_forgotten(aged: ReceiptScene) -> None:
    finder(aged).look()
    on_all(aged, "DELETE FROM campaigns", "UPDATE receipt_looks SET look_at = NOW(6)")
    finder(aged).look()
    assert looks(aged) == []
