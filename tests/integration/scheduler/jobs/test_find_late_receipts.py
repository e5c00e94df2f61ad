"""Receipts that do not come in time are noted, counted, and replaced by those that come later."""

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from campaign_common.database import Cursor
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.campaigns.leases import Holder
from campaign_common.store.receipts.late_receipts import awaited_receipts
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.held_leases import HeldLeases
from campaign_scheduler.jobs import find_late_receipts
from campaign_scheduler.jobs.find_late_receipts import LateReceiptFinder
from campaign_scheduler.jobs.start_campaigns import CampaignStarter
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
RETRIED = 30
SLOW = {NAMED: HOUR, "beta": 72 * HOUR}
BOTH = Routes({"both": Route(((NAMED, 1), ("beta", 1)))})


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
    monkeypatch.setattr(find_late_receipts, "STEP_RECIPIENTS", 7)
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
            finder(aged, timeouts).enroll(cursor, [CAMPAIGN])
    (seconds,) = looks(aged)
    assert HOUR - 60 < seconds <= HOUR


def test_a_campaign_that_was_cancelled_at_once_is_looked_at(aged: ReceiptScene) -> None:
    """It is enrolled as it starts, by the starter itself."""
    on_all(
        aged,
        "UPDATE campaigns SET state = 'scheduled', scheduled_at = NOW(6), shards = NULL",
        "REPLACE INTO recipient_lists (id, name, state, created_at, progressed_at, last_seq)"
        " VALUES (1, 'everybody', 'ready', NOW(6), NOW(6), 40)",
    )
    main = aged.databases.main
    leases = HeldLeases(main, Holder("scheduler-1", 60.0))
    CampaignStarter(main, leases, SHARDS, also=finder(aged).enroll).start_due()
    on_all(aged, "UPDATE campaigns SET state = 'cancelled', finished_at = NOW(6)")
    (seconds,) = looks(aged)
    assert HOUR - 60 < seconds <= HOUR
    look(aged)
    assert late(aged) == LATE


def test_messages_sent_again_are_looked_at_in_their_time(aged: ReceiptScene) -> None:
    """Though the next look was to be much later: when they finish, or run for long."""
    finish = finder(aged, SLOW, BOTH)
    for enroll in (lambda cursor: finish.enroll(cursor, [CAMPAIGN]), None):
        on_all(
            aged,
            "UPDATE campaigns SET provider = 'both', retried_at = NOW(6)",
            f"REPLACE INTO receipt_looks VALUES ({CAMPAIGN}, NOW(6) + INTERVAL 70 HOUR)",
        )
        if enroll is None:
            finish.look()
        else:
            aged.databases.main.run(enroll)
        (seconds,) = looks(aged)
        assert HOUR - 60 < seconds <= HOUR


def test_messages_sent_again_during_a_look_are_noted(
    aged: ReceiptScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look has read them before they were sent, and so sees nothing that is left to do."""
    on_all(aged, "UPDATE campaigns SET state = 'finished', finished_at = NOW(6) - INTERVAL 3 HOUR")
    age(aged, "3 HOUR", "TRUE")

    def read(cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: range) -> Any:  # noqa: ANN401
        found = awaited_receipts(cursor, shard, campaign_id, seqs)
        if shard == SHARDS - 1:
            aged.record(RETRIED, Status.SENT)
            aged.databases.main.run(partial(finder(aged).enroll, ids=[CAMPAIGN]))
        return found

    aged.databases.main.run(partial(finder(aged).enroll, ids=[CAMPAIGN]))
    on_all(aged, "UPDATE receipt_looks SET look_at = NOW(6)")
    with monkeypatch.context() as patched:
        patched.setattr(find_late_receipts, "awaited_receipts", read)
        finder(aged).look()
    assert RETRIED not in late(aged)
    (seconds,) = looks(aged)
    assert seconds <= find_late_receipts.STEP_LEASE
    age(aged, "90 MINUTE", f"seq = {RETRIED}")
    look(aged)
    assert RETRIED in late(aged)
    assert looks(aged) == []


def test_a_look_that_lost_its_lease_changes_no_other(
    aged: ReceiptScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops as soon as it learns that the campaign is to be looked at anew."""
    monkeypatch.setattr(find_late_receipts, "STEP_LEASE", 0.0)  # is renewed at every step
    monkeypatch.setattr(find_late_receipts, "STEP_RECIPIENTS", 7)
    seen = []

    def read(cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: range) -> Any:  # noqa: ANN401
        seen.append(seqs.start)
        on_all(aged, "UPDATE receipt_looks SET look_at = NOW(6) + INTERVAL 50 SECOND")
        return awaited_receipts(cursor, shard, campaign_id, seqs)

    monkeypatch.setattr(find_late_receipts, "awaited_receipts", read)
    finder(aged).look()
    assert set(seen) == {1}
    (seconds,) = looks(aged)
    assert 0 < seconds <= 50


def test_another_provider_does_not_delay_the_last_look(aged: ReceiptScene) -> None:
    """Nothing is awaited of a campaign of a provider with an hour, two hours after its end."""
    on_all(aged, "UPDATE campaigns SET state = 'finished', finished_at = NOW(6) - INTERVAL 2 HOUR")
    age(aged, "3 HOUR", "TRUE")
    aged.databases.main.run(partial(finder(aged).enroll, ids=[CAMPAIGN]))
    look(aged, SLOW)
    assert late(aged) == [*LATE, *YOUNG]
    assert looks(aged) == []


def test_the_time_of_each_provider_of_a_route_counts(aged: ReceiptScene) -> None:
    """The campaign names a route; one provider of it has no time."""
    on_all(aged, "UPDATE campaigns SET provider = 'both'")
    for shard in range(SHARDS):
        with aged.databases.of_shard(shard).transaction() as cursor:
            cursor.execute(
                f"UPDATE messages_{shard} SET provider = IF(seq < 5, %s, 'beta')", (NAMED,)
            )
    finder(aged, ALPHA, BOTH).look()
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
