"""Receipts without a reference find their messages by the provider's id, early ones too."""

from datetime import timedelta

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.receipts.identified_receipt import IdentifiedReceipt, hash_of_id
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.store.receipts.early_receipts import LOOKED_FOR, delete_old_early
from campaign_common.store.receipts.identified_receipts import (
    AMBIGUOUS_ID,
    IdentifiedReceiptWriter,
    WrittenIdentified,
)
from campaign_common.store.receipts.provider_ids import (
    IdentifiedMessage,
    days_kept,
    delete_old_ids,
    insert_provider_ids,
)
from campaign_common.store.receipts.receipt_writer import ReceiptWriter, WrittenReceipts
from tests.integration.common.receipts.scene import CAMPAIGN, NAMED, NOON, ReceiptScene, shard_of

DELIVERED, UNDELIVERED = ReceiptRank.DELIVERED, ReceiptRank.UNDELIVERED
DAYS = days_kept(timedelta(hours=72).total_seconds())


@pytest.fixture
def scene(receipts: ReceiptScene) -> ReceiptScene:
    """Messages 1 and 2, on two servers, that were sent; no id is recorded."""
    for seq in (1, 2):
        receipts.record(seq, Status.SENT)
    for database in receipts.databases.all:
        with database.transaction() as cursor:
            cursor.execute("DELETE FROM provider_ids")
            cursor.execute("DELETE FROM early_receipts")
    return receipts


def note(scene: ReceiptScene, seq: int, message_id: str, generation: int = 0) -> None:
    shard = shard_of(seq)
    id_hash = hash_of_id(NAMED, message_id)
    message = IdentifiedMessage(id_hash, shard, CAMPAIGN, seq, generation)
    for _ in range(2):  # a transaction may be repeated
        with scene.databases.of_shard(shard).transaction() as cursor:
            insert_provider_ids(cursor, [message])


def report(message_id: str, rank: ReceiptRank = DELIVERED) -> IdentifiedReceipt:
    return IdentifiedReceipt(NAMED, hash_of_id(NAMED, message_id), rank, "why", NOON)


def writer(scene: ReceiptScene) -> IdentifiedReceiptWriter:
    return IdentifiedReceiptWriter(scene.databases, ReceiptWriter(scene.databases), DAYS)


def early(scene: ReceiptScene) -> int:
    with scene.databases.main.reading() as cursor:
        cursor.execute("SELECT COUNT(*) FROM early_receipts")
        ((n,),) = cursor.fetchall()
    return int(n)


def look(scene: ReceiptScene) -> int:
    """Look at early receipts as if a second had passed."""
    with scene.databases.main.transaction() as cursor:
        cursor.execute("UPDATE early_receipts SET look_at = NOW(6) - INTERVAL 1 SECOND")
    return writer(scene).write_early(10)


def test_an_id_finds_its_message_on_any_server(scene: ReceiptScene) -> None:
    for seq in (1, 2):
        note(scene, seq, f"id-{seq}")
    written = writer(scene).write([report("id-1"), report("id-2", UNDELIVERED), report("id-1")])
    assert written == WrittenIdentified(WrittenReceipts(2, 1), early=0)
    assert scene.states() == {
        1: (0, DELIVERED, ReceiptState.SENT),
        2: (0, UNDELIVERED, ReceiptState.SENT),
    }
    assert scene.counted() == scene.recounted()


def test_an_early_report_is_written_once_its_message_is_there(scene: ReceiptScene) -> None:
    reports = [report("id-1", UNDELIVERED), report("id-1")]
    assert writer(scene).write(reports) == WrittenIdentified(WrittenReceipts(), early=2)
    assert writer(scene).write(reports).early == 2, "repeated by the gateway"
    assert writer(scene).write_early(10) == 0, "not due yet"
    assert look(scene) == 2
    assert (early(scene), scene.states()) == (2, {})
    note(scene, 1, "id-1")
    assert look(scene) == 2
    assert early(scene) == 0
    ((_, _, rank, _, _, code, at),) = scene.rows()
    assert (rank, code, at) == (DELIVERED, "why", NOON.replace(tzinfo=None))


def test_a_report_of_no_message_goes_in_the_end(scene: ReceiptScene) -> None:
    writer(scene).write([report("of nobody")])
    main = scene.databases.main
    assert main.run(lambda cursor: delete_old_early(cursor, 10)) == 0
    with main.transaction() as cursor:
        cursor.execute(
            "UPDATE early_receipts SET since = NOW(6) - INTERVAL %s MINUTE", (LOOKED_FOR + 1,)
        )
    assert main.run(lambda cursor: delete_old_early(cursor, 10)) == 1


def test_an_id_of_two_messages_finds_neither(scene: ReceiptScene) -> None:
    for seq in (1, 2):
        note(scene, seq, "same")
    written = writer(scene).write([report("same")]).written
    assert written == WrittenReceipts(0, 0, {AMBIGUOUS_ID: 1})
    assert scene.states() == {}


@pytest.mark.parametrize(("days", "is_found"), [(DAYS, True), (DAYS + 1, False)])
def test_old_ids_find_nothing_and_go(scene: ReceiptScene, days: int, is_found: bool) -> None:
    note(scene, 1, "id-1")
    database = scene.databases.of_shard(shard_of(1))
    with database.transaction() as cursor:
        cursor.execute("UPDATE provider_ids SET day = CURRENT_DATE - INTERVAL %s DAY", (days,))
    assert writer(scene).write([report("id-1")]).written.stored == is_found
    assert database.run(lambda cursor: delete_old_ids(cursor, DAYS, 10)) == (not is_found)
