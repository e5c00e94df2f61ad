"""Open receipts are closed or named to their owners, by any number of schedulers at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from campaign_common.database import Cursor
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.jobs import close_receipts
from campaign_scheduler.jobs.close_receipts import ReceiptCloser
from tests.integration.common.receipts.conftest import receipt_databases, receipts
from tests.integration.common.receipts.scene import CAMPAIGN, SHARDS, ReceiptScene, receipt

__all__ = ["receipt_databases", "receipts"]

EARLY, DOUBTED = range(1, 31), range(31, 41)


@pytest.fixture
def opened(receipts: ReceiptScene) -> ReceiptScene:
    """Receipts of messages that are recorded as sent since, and of others that wait in doubt."""
    receipts.write([receipt(seq, ReceiptRank.DELIVERED) for seq in (*EARLY, *DOUBTED)])
    for seq in EARLY:
        receipts.record(seq, Status.SENT)
    for seq in DOUBTED:
        receipts.record(seq, Status.WAITING, in_doubt=True)
    return receipts


def make_due(scene: ReceiptScene) -> None:
    for database in scene.databases.all:
        with database.transaction() as cursor:
            cursor.execute("UPDATE open_receipts SET look_at = NOW(6)")


def closer(scene: ReceiptScene) -> ReceiptCloser:
    return ReceiptCloser(scene.databases, ServerAvailability(scene.databases))


def commands(scene: ReceiptScene) -> dict[int, int]:
    """The number of commands by shard."""

    def read(cursor: Cursor) -> None:
        cursor.execute("SELECT shard, COUNT(*) FROM shard_commands GROUP BY shard")
        counted.update(dict(cursor.fetchall()))

    counted: dict[int, int] = {}
    for database in scene.databases.all:
        database.run(read)
    return counted


def test_nothing_is_looked_at_before_a_second_is_over(opened: ReceiptScene) -> None:
    for database in opened.databases.all:
        with database.transaction() as cursor:
            cursor.execute("UPDATE open_receipts SET look_at = NOW(6) + INTERVAL 1 MINUTE")
    closer(opened).look()
    assert opened.open() == [*EARLY, *DOUBTED]
    assert commands(opened) == {}


def test_schedulers_at_once_close_each_receipt_once(
    opened: ReceiptScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches that are smaller than what is due; the counters are those of the rows."""
    monkeypatch.setattr(close_receipts, "BATCH", 3)
    make_due(opened)
    closers = [closer(opened) for _ in range(3)]
    with ThreadPoolExecutor(len(closers)) as threads:
        for done in [threads.submit(one.look) for one in closers]:
            done.result(timeout=60)
    for _ in range(3):  # what one has left to another
        make_due(opened)
        closer(opened).look()
    assert opened.open() == opened.listed_as_open() == list(DOUBTED)
    states = opened.states()
    assert {states[seq][2] for seq in EARLY} == {ReceiptState.SENT}
    assert opened.counted() == opened.recounted()
    assert commands(opened) == dict.fromkeys(range(SHARDS), 1)


def test_a_receipt_that_is_named_waits_for_its_owner(opened: ReceiptScene) -> None:
    """It is not named again at once."""
    make_due(opened)
    closer(opened).look()
    for database in opened.databases.all:
        with database.transaction() as cursor:
            cursor.execute("DELETE FROM shard_commands")
    closer(opened).look()
    assert commands(opened) == {}


def test_what_has_no_receipt_any_more_blocks_no_other(
    opened: ReceiptScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest batch has lost its receipts; the row that another process locks stays listed."""
    monkeypatch.setattr(close_receipts, "BATCH", 4)
    own = opened.databases.of_shard(0)
    make_due(opened)
    with own.transaction() as cursor:
        cursor.execute("UPDATE open_receipts SET look_at = NOW(6) - INTERVAL 1 HOUR WHERE seq < 20")
        cursor.execute("DELETE FROM receipts_0 WHERE seq < 20")
        cursor.execute("DELETE FROM receipts_1 WHERE seq < 20")
        cursor.execute("DELETE FROM receipt_counters")
    with own.transaction() as cursor:
        cursor.execute(
            "SELECT seq FROM receipts_0 WHERE campaign_id = %s AND seq = 24 FOR UPDATE", (CAMPAIGN,)
        )
        for _ in range(4):
            closer(opened).look()
    listed = [seq for seq in opened.listed_as_open() if seq % SHARDS in (0, 1)]
    assert listed == [24, *(seq for seq in DOUBTED if seq % SHARDS in (0, 1))]
