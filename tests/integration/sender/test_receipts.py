"""Receipts prove sends: what the owner of a shard makes of them (protocol rule 14)."""

from collections import Counter
from functools import partial
from time import monotonic

import pytest

from campaign_common.database import Database, Databases
from campaign_common.domain.message import Status
from campaign_common.domain.partition_map import TopicDescription
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.domain.shard import Shard
from campaign_common.store.campaigns.transitions import retry_undelivered
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_changes,
    insert_outcomes,
)
from campaign_common.store.receipts.open_receipts import Look, due_receipts, look_at_receipts
from campaign_common.store.receipts.receipt_writer import ReceiptWriter, read_named
from campaign_common.store.shards.partition_map import insert_first_map
from campaign_providers.contract import SendStatus
from campaign_sender.message import Message
from tests.integration.sender.ordering import answer, counters_match, retry, submit
from tests.integration.sender.scene import MAP, SHARDS, Scene
from tests.unit.sender.messages import CAMPAIGN, message

DELIVERED, UNDELIVERED = ReceiptRank.DELIVERED, ReceiptRank.UNDELIVERED
OPEN, SENT, OTHERWISE, _ = ReceiptState
NAMED = "collected"
BY_HAND = {"campaign_id": CAMPAIGN, "actor": "a person"}


@pytest.fixture
def reported(scene: Scene) -> Scene:
    """A scene whose messages 1 and 2 are at the provider."""
    scene.change(lambda c: insert_first_map(c, MAP.topic, TopicDescription(MAP.topic_id, SHARDS)))
    scene.cycle()
    return scene


def report(
    scene: Scene,
    seq: int,
    rank: ReceiptRank = DELIVERED,
    *,
    generation: int = 0,
    provider: str = NAMED,
    code: str = "why",
) -> None:
    receipt = MessageReceipt(CAMPAIGN, seq, generation, Shard(0), provider, rank, code)
    written = ReceiptWriter(Databases((scene.database,))).write([receipt])
    assert written.stored == 1, written


def look(scene: Scene) -> Look:
    """Look at every open receipt, as if it had been open for long enough."""
    with Database.transaction(scene.database) as cursor:
        cursor.execute("UPDATE open_receipts SET look_at = NOW(6)")
    with scene.database.reading() as cursor:
        due = due_receipts(cursor, 100)
    work = partial(look_at_receipts, due=due, named=read_named(scene.database, [CAMPAIGN]))
    return scene.database.run(work)


def settle(scene: Scene) -> None:
    """Have what is open named to the owner, and let it act."""
    look(scene)
    scene.execute_commands()


def states(scene: Scene) -> dict[int, tuple[int, int, int]]:
    """Generation, rank and state of each receipt; its counters must agree."""
    rows = scene.rows("seq, generation, receipt_rank, state", "receipts")
    with scene.database.reading() as cursor:
        cursor.execute("SELECT state, receipt_rank, n FROM receipt_counters WHERE n <> 0")
        counted = {(state, rank): n for state, rank, n in cursor.fetchall()}
    assert counted == Counter((state, rank) for _, _, rank, state in rows if rank)
    assert counters_match(scene)
    return {seq: tuple(others) for seq, *others in rows}  # type: ignore[misc]


def end(scene: Scene, seq: int, status: Status, **columns: object) -> None:
    """Record an outcome of a message that this sender does not hold."""
    row = LedgerRow(
        campaign_id=CAMPAIGN,
        seq=seq,
        status=status,
        generation=0,
        try_number=1,
        attempts=1,
        **columns,  # type: ignore[arg-type]
    )
    with Database.transaction(scene.database) as cursor:
        insert_outcomes(cursor, 0, [row])
        add_counts(cursor, count_changes(0, [row]))


def repeat(scene: Scene, seq: int) -> Message:
    """Let the admitter see the second try of a message that waits."""
    again = message(seq, try_number=2, attempts=1, offset=900 + seq)
    owned = scene.buffer.owned(0)
    assert owned is not None
    again.epoch = owned.epoch
    admitter = scene.admitter()
    admitter._pending = [again]
    admitter.admit()
    return again


def test_an_early_receipt_closes_without_the_owner(reported: Scene) -> None:
    (early,) = submit(reported, message(3))
    report(reported, 3)
    assert states(reported) == {3: (0, DELIVERED, OPEN)}
    reported.answer(early)
    reported.cycle()
    assert look(reported) == Look(closed=1, named=0)
    assert states(reported) == {3: (0, DELIVERED, SENT)}
    assert reported.open_commands() == 0


def test_a_message_that_waits_in_doubt_was_sent(reported: Scene) -> None:
    """Its retry goes with that, so that it is not sent again."""
    (doubted,) = submit(reported, message(3))
    answer(reported, SendStatus.AMBIGUOUS, doubted)
    assert reported.rows("seq", "message_retries") == [(3,)]
    report(reported, 3, UNDELIVERED)
    settle(reported)
    assert reported.recorded() == {3: Status.SENT}
    assert reported.rows("seq", "message_retries") == []
    assert states(reported) == {3: (0, UNDELIVERED, SENT)}


def test_an_unknown_message_was_sent(reported: Scene) -> None:
    end(reported, 3, Status.UNKNOWN, in_doubt=True)
    report(reported, 3)
    settle(reported)
    assert reported.rows("seq, status, in_doubt") == [(3, Status.SENT, 0)]
    assert states(reported) == {3: (0, DELIVERED, SENT)}


def test_the_row_names_the_provider_that_reports(reported: Scene) -> None:
    """Unless the campaign does."""
    for seq, provider in ((3, "other"), (4, NAMED)):
        end(reported, seq, Status.UNKNOWN, provider="other")
        report(reported, seq, provider=provider)
    settle(reported)
    assert reported.rows("seq, provider") == [(3, "other"), (4, None)]


def test_a_failed_message_stays_with_its_receipt(reported: Scene) -> None:
    end(reported, 3, Status.FAILED)
    report(reported, 3)
    settle(reported)
    assert reported.recorded() == {3: Status.FAILED}
    assert states(reported) == {3: (0, DELIVERED, OTHERWISE)}
    report(reported, 3, ReceiptRank.READ)
    assert states(reported) == {3: (0, ReceiptRank.READ, OTHERWISE)}


def test_a_refusal_is_believed_rather_than_a_receipt(reported: Scene) -> None:
    """A message that waits without any doubt is sent again; the receipt stays open."""
    (refused,) = submit(reported, message(3))
    answer(reported, SendStatus.RETRYABLE, refused)
    report(reported, 3)
    settle(reported)
    assert reported.recorded() == {3: Status.WAITING}
    assert states(reported) == {3: (0, DELIVERED, OPEN)}


def test_a_held_message_has_its_result_first(reported: Scene) -> None:
    report(reported, 1)
    settle(reported)
    assert (reported.recorded(), reported.open_commands()) == ({}, 0)
    (at_provider,) = [m for m in reported.provider.submitted if m.record.seq == 1]
    answer(reported, SendStatus.RETRYABLE, at_provider)
    assert reported.recorded() == {1: Status.WAITING}


def test_a_result_without_proof_takes_the_receipt(reported: Scene) -> None:
    (doubted,) = submit(reported, message(3))
    report(reported, 3)
    answer(reported, SendStatus.AMBIGUOUS, doubted, error_code="timeout")
    assert reported.rows("seq, status, error_code, in_doubt") == [(3, Status.SENT, None, 0)]
    look(reported)
    assert states(reported) == {3: (0, DELIVERED, SENT)}


def test_a_repetition_that_is_held_is_withdrawn(reported: Scene) -> None:
    (doubted,) = submit(reported, message(3))
    answer(reported, SendStatus.AMBIGUOUS, doubted)
    again = repeat(reported, 3)
    assert reported.buffer.holds(again)
    report(reported, 3)
    settle(reported)
    assert reported.guard.check_before_send([again]) == [SendStatus.STALE]
    reported.cycle()
    answer(reported, SendStatus.STALE, again)
    settle(reported)
    assert reported.recorded() == {3: Status.SENT}
    assert states(reported) == {3: (0, DELIVERED, SENT)}


def test_a_repetition_is_not_admitted_after_the_receipt(reported: Scene) -> None:
    (doubted,) = submit(reported, message(3))
    answer(reported, SendStatus.AMBIGUOUS, doubted)
    report(reported, 3)
    assert not reported.buffer.holds(repeat(reported, 3))
    settle(reported)
    assert reported.recorded() == {3: Status.SENT}


def test_a_takeover_settles_with_the_receipts(reported: Scene) -> None:
    """Message 1 was reported, and 3 was not: only that one is possibly sent."""
    submit(reported, message(3))
    report(reported, 1)
    reported.lose_to_another(0)
    assert reported.recorded() == {1: Status.SENT}
    with reported.database.reading() as cursor:
        cursor.execute("SELECT seq FROM possibly_sent WHERE shard = 0")
        assert cursor.fetchall() == ((3,),)
    look(reported)
    assert states(reported) == {1: (0, DELIVERED, SENT)}


def test_what_a_lost_sender_sent_is_recorded_without_a_row(reported: Scene) -> None:
    reported.lose_to_another(0)
    report(reported, 1)
    settle(reported)
    assert reported.recorded() == {1: Status.SENT}
    assert states(reported) == {1: (0, DELIVERED, SENT)}


def test_what_nobody_has_sent_stays_to_be_sent(reported: Scene) -> None:
    """Of another campaign of this number, before the database was made anew."""
    report(reported, 3)
    settle(reported)
    assert reported.recorded() == {}
    assert states(reported) == {3: (0, DELIVERED, OPEN)}
    (sent,) = submit(reported, message(3))
    assert sent.record.seq == 3


def test_a_doubt_of_another_generation_proves_nothing(reported: Scene) -> None:
    reported.lose_to_another(0)
    report(reported, 1, generation=1)
    settle(reported)
    assert reported.recorded() == {}


def test_a_receipt_that_is_written_is_not_waited_for(reported: Scene) -> None:
    """A writer may freeze; the owner goes on with the others."""
    for seq in (3, 4):
        end(reported, seq, Status.UNKNOWN)
        report(reported, seq)
    look(reported)
    with Database.transaction(reported.database) as cursor:
        cursor.execute(
            "SELECT seq FROM receipts_0 WHERE campaign_id = %s AND seq = 3 FOR UPDATE", (CAMPAIGN,)
        )
        began = monotonic()
        reported.execute_commands()
        assert monotonic() - began < 1.9, "it waited for a lock, which takes 2 s"
        assert reported.recorded() == {3: Status.UNKNOWN, 4: Status.SENT}
    settle(reported)
    assert reported.recorded() == {3: Status.SENT, 4: Status.SENT}


def test_a_retry_by_hand_leaves_what_was_sent(reported: Scene) -> None:
    """The receipt is stored, and nobody has looked at it before the order."""
    for seq in (3, 4):
        end(reported, seq, Status.UNKNOWN)
    report(reported, 3)
    reported.change(retry(Status.UNKNOWN))
    reported.execute_commands()
    assert reported.rows("seq, status, generation") == [
        (3, Status.SENT, 0),
        (4, Status.WAITING, 1),
    ]
    assert reported.rows("seq", "message_retries") == [(4,)]
    assert states(reported) == {3: (0, DELIVERED, SENT)}
    assert reported.open_commands() == 0


def test_a_retry_by_hand_takes_the_receipt_out(reported: Scene) -> None:
    """One of the last generation says nothing about the next one."""
    end(reported, 3, Status.FAILED)
    report(reported, 3)
    settle(reported)
    reported.change(retry(Status.FAILED))
    reported.execute_commands()
    assert states(reported) == {3: (1, ReceiptRank.NONE, OPEN)}
    report(reported, 3, UNDELIVERED, generation=1)
    assert states(reported) == {3: (1, UNDELIVERED, OPEN)}


def test_undelivered_messages_are_sent_again_by_hand(reported: Scene) -> None:
    """Those with the code, under a new generation; one that was delivered meanwhile is not."""
    for seq in (3, 4, 5):
        end(reported, seq, Status.SENT)
    report(reported, 3, UNDELIVERED)
    report(reported, 4, UNDELIVERED, code="other")
    report(reported, 5, UNDELIVERED)
    report(reported, 5, DELIVERED)
    reported.change(partial(retry_undelivered, **BY_HAND, undelivered=2, code="why"))
    reported.execute_commands()
    assert reported.rows("seq, status, generation") == [
        (3, Status.WAITING, 1),
        (4, Status.SENT, 0),
        (5, Status.SENT, 0),
    ]
    assert reported.rows("seq, generation", "message_retries") == [(3, 1)]
    assert states(reported) == {
        3: (1, ReceiptRank.NONE, OPEN),
        4: (0, UNDELIVERED, SENT),
        5: (0, DELIVERED, SENT),
    }
    assert reported.open_commands() == 0


def test_a_slice_with_others_skips_none(reported: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """One left out under the lock, here by its code, counts in the slice that selected it."""
    monkeypatch.setattr("campaign_sender.recording.command_handlers.SEQS_AT_ONCE", 2)
    for seq, code in ((3, "WHY"), (4, "why"), (5, "why"), (6, "why")):
        end(reported, seq, Status.SENT)
        report(reported, seq, UNDELIVERED, code=code)
    reported.change(partial(retry_undelivered, **BY_HAND, undelivered=4, code="why"))
    reported.execute_commands(4)
    assert reported.open_commands() == 0
    turned_back = [(4, 1), (5, 1), (6, 1)]
    assert reported.rows("seq, generation", "message_retries") == turned_back


def test_a_shard_has_one_command_about_receipts(reported: Scene) -> None:
    end(reported, 3, Status.UNKNOWN)
    report(reported, 3)
    assert [look(reported).named for _ in range(3)] == [1, 1, 1]
    with reported.database.reading() as cursor:
        cursor.execute("SELECT COUNT(*) FROM shard_commands")
        assert cursor.fetchall() == ((1,),)


def test_what_another_process_works_on_is_left_to_it(reported: Scene) -> None:
    end(reported, 3, Status.UNKNOWN)
    report(reported, 3)
    with Database.transaction(reported.database) as cursor:
        cursor.execute("SELECT seq FROM receipts_0 FOR UPDATE")
        assert look(reported) == Look(0, 0)
    assert look(reported) == Look(0, 1)
