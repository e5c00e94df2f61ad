"""The recorder against a real database that loses answers, goes away, or changes owners."""

from collections import Counter
from decimal import Decimal

import pytest
from msgspec.structs import replace
from pymysql.err import DataError

from campaign_common.database import Database, ShardCursors
from campaign_common.database.cursors import Cursors
from campaign_common.domain.content.price import Charge, Price
from campaign_common.domain.message import LARGEST_TRY, Status
from campaign_common.errors import DatabaseRefused, StatementRefused
from campaign_common.store.core.costs import read_costs
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.ownership.takeover import take_over
from tests.integration.sender.scene import MAP, SHARDS, Scene
from tests.unit.sender.messages import CAMPAIGN, message


def test_a_message_is_sent_only_after_its_claim_is_committed(scene: Scene) -> None:
    scene.database.faults = ["away"]
    scene.cycle()
    assert (scene.submitted(), scene.claimed()) == ([], [])
    scene.cycle()
    assert (scene.submitted(), scene.claimed()) == ([1, 2], [1, 2])


@pytest.mark.parametrize(
    "fault",
    [
        DatabaseRefused("Access denied (error 1045)"),
        StatementRefused("a number in no list (error 1175)"),
        DataError(1406, "Data too long for column"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_the_database_refuses_is_recorded_later(scene: Scene, fault: Exception) -> None:
    scene.cycle()
    scene.answer(*scene.provider.submitted)
    scene.fetch(message(3))
    scene.database.faults = [fault] * 3
    for _ in range(3):
        scene.cycle()
        assert not scene.recorder._available
    assert (scene.recorded(), scene.submitted(), scene.claimed()) == ({}, [1, 2], [1, 2])
    scene.cycle()
    assert scene.recorder._available
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT}
    assert (scene.counted(), scene.submitted(), scene.claimed()) == (2, [1, 2, 3], [3])


@pytest.mark.parametrize("fault", ["answer lost, committed", "answer lost, rolled back"])
@pytest.mark.parametrize("outage", [0, 3])
def test_a_lost_answer_to_commit_changes_nothing(scene: Scene, fault: str, outage: int) -> None:
    scene.cycle()
    scene.answer(*scene.provider.submitted)
    scene.fetch(message(3))
    scene.database.faults = [fault, *["away"] * outage]
    for _ in range(outage + 3):
        scene.cycle()
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT}
    assert scene.counted() == 2
    assert (scene.submitted(), scene.claimed()) == ([1, 2, 3], [3])
    assert scene.recorder.take_fenced() == set()


def test_two_lost_answers_in_a_row_lose_nothing(scene: Scene) -> None:
    scene.cycle()
    scene.answer(*scene.provider.submitted)
    scene.fetch(message(3))
    scene.database.faults = ["answer lost, committed", "none", "answer lost, committed"]
    scene.cycle()
    scene.fetch(message(4))
    for _ in range(4):
        scene.cycle()
        scene.answer(*scene.provider.submitted[2:])
    assert sorted(scene.recorded()) == [1, 2, 3, 4]
    assert (scene.counted(), scene.submitted()) == (4, [1, 2, 3, 4])


def test_a_shard_with_another_owner_is_left_out(scene: Scene) -> None:
    """A shard with another owner is left out and the others go on."""
    scene.cycle()
    with Database.transaction(scene.database) as cursor:
        take_over(
            ShardCursors(cursor, cursor), 0, MAP, owner_token=b"another's token!", owner_name="u"
        )
    scene.answer(*scene.provider.submitted)
    scene.cycle()
    assert scene.recorded() == {2: Status.SENT}
    assert scene.recorder.take_fenced() == {0}
    assert scene.buffer.owned(0) is None
    scene.cycle()
    with scene.database.reading() as cursor:
        cursor.execute("SELECT seq, status FROM late_results")
        assert cursor.fetchall() == ((1, Status.SENT),)
        cursor.execute("SELECT seq FROM possibly_sent")
        assert cursor.fetchall() == ((1,),)


def test_a_recorded_outcome_is_not_counted_again(scene: Scene) -> None:
    """An outcome that is there already is neither written nor counted again."""
    scene.cycle()
    with Database.transaction(scene.database) as cursor:
        cursor.execute(
            "INSERT INTO messages_0 VALUES (%s, 1, 1, 0, 1, 1, 'first', NULL, NOW(6), 0, NULL)",
            (CAMPAIGN,),
        )
    scene.answer(*scene.provider.submitted)
    scene.cycle()
    scene.cycle()
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT}
    assert scene.counted() == 1
    assert scene.claimed() == []


def test_a_suspect_without_a_clear_result_stays_in_doubt(scene: Scene) -> None:
    with Database.transaction(scene.database) as cursor:
        cursor.execute(
            "INSERT INTO possibly_sent (campaign_id, seq, try_number, generation, shard)"
            " VALUES (%s, 1, 1, 0, 0)",
            (CAMPAIGN,),
        )
    scene.cycle()
    scene.buffer.add_results(
        [SendResult(m, SendStatus.RETRYABLE) for m in scene.provider.submitted]
    )
    scene.cycle()
    tables = " UNION ALL ".join(f"SELECT seq, in_doubt FROM messages_{n}" for n in range(SHARDS))
    with scene.database.reading() as cursor:
        cursor.execute(tables)
        assert dict(cursor.fetchall()) == {1: 1, 2: 0}


@pytest.mark.parametrize(("idempotent", "status"), [(False, Status.UNKNOWN), (True, Status.FAILED)])
def test_a_refused_suspect_ends_by_what_its_provider_promises(
    scene: Scene, idempotent: bool, status: Status
) -> None:
    """Message 2 is refused, too, and no suspect."""
    scene.provider.idempotent = idempotent
    scene.cycle()
    scene.lose_to_another(0)
    scene.fetch(message(1, offset=1))
    scene.cycle()
    refused = [m for m in scene.provider.submitted if scene.buffer.holds(m)]
    scene.buffer.add_results(
        [SendResult(m, SendStatus.PERMANENT, None, "http_400") for m in refused]
    )
    scene.cycle()
    assert scene.rows("seq, status, error_code") == [
        (1, status, "http_400"),
        (2, Status.FAILED, "http_400"),
    ]
    assert scene.counts() == dict(Counter([status, Status.FAILED]))


def test_a_refusal_after_an_unclear_answer_ends_unknown(scene: Scene) -> None:
    """The doubt stands in the ledger while the message waits for its next try."""
    scene.cycle()
    (first, second) = scene.provider.submitted
    scene.buffer.add_results(
        [SendResult(first, SendStatus.AMBIGUOUS), SendResult(second, SendStatus.RETRYABLE)]
    )
    scene.cycle()
    waiting = scene.rows("seq, in_doubt")
    again = [
        message(1, offset=1, try_number=2, attempts=1),
        message(2, shard=1, partition=1, offset=1, try_number=2, attempts=1),
    ]
    for one, (_, in_doubt) in zip(again, waiting, strict=True):
        one.replaces, one.in_doubt = True, bool(in_doubt)
    scene.fetch(*again)
    scene.cycle()
    scene.buffer.add_results([SendResult(one, SendStatus.PERMANENT) for one in again])
    scene.cycle()
    assert scene.recorded() == {1: Status.UNKNOWN, 2: Status.FAILED}
    assert scene.rows("seq", "message_retries") == []


def test_an_unknown_commit_of_an_earlier_ownership_is_ignored(
    scene: Scene,
) -> None:
    scene.cycle()
    scene.answer(*scene.provider.submitted)
    scene.database.faults = ["answer lost, committed", "away"]
    scene.cycle()
    scene.cycle()
    earlier = scene.buffer.owned(0)
    assert earlier is not None
    scene.buffer.drop_shard(earlier)
    with Database.transaction(scene.database) as cursor:
        again, _ = take_over(
            ShardCursors(cursor, cursor), 0, MAP, owner_token=b"the next token!!", owner_name="t"
        )
    scene.buffer.add_shard(again)
    scene.cycle()
    assert scene.buffer.owned(0) is again
    assert scene.recorder.take_fenced() == set()


@pytest.mark.parametrize("fault", ["answer lost, committed", "answer lost, rolled back"])
def test_a_late_result_survives_a_lost_answer(scene: Scene, fault: str) -> None:
    scene.cycle()
    (claimed,) = [m for m in scene.provider.submitted if m.record.seq == 1]
    scene.lose_to_another(0)
    scene.answer(claimed)
    scene.database.faults = [fault]
    scene.cycle()
    scene.cycle()
    scene.cycle()
    with scene.database.reading() as cursor:
        cursor.execute("SELECT DISTINCT seq, status FROM late_results")
        assert cursor.fetchall() == ((1, Status.SENT),)


def test_a_takeover_that_ends_a_message_forgets_its_retry(scene: Scene) -> None:
    """The retry of a message that a takeover ends is forgotten."""
    scene.change(lambda c: c.execute("UPDATE campaigns SET delivery = 'at_most_once'"))
    scene.cycle()
    first, second = message(3), message(3, offset=9, try_number=2, attempts=1)
    scene.fetch(first)
    scene.cycle()
    scene.buffer.add_results([SendResult(first, SendStatus.RETRYABLE)])
    scene.cycle()
    assert scene.rows("seq", "message_retries") == [(3,)]
    second.replaces = True
    scene.fetch(second)
    scene.cycle()
    scene.lose_to_another(0)
    assert scene.recorded()[3] == Status.UNKNOWN
    assert scene.rows("seq", "message_retries") == []


PRICE = Price("EUR", Decimal("0.1"), {"1396": Decimal("0.07")})


def costs(scene: Scene) -> list[Charge]:
    with scene.database.reading() as cursor:
        return read_costs(Cursors((cursor,)), CAMPAIGN)


def test_accepted_messages_cost_their_segments_once(scene: Scene) -> None:
    """Also where the answer to a COMMIT is lost, and nothing of what was not accepted."""
    scene.provider.price = PRICE
    long = message(3)
    long.record = replace(long.record, body="x" * 161)
    foreign = message(4, shard=1, partition=1)
    foreign.record = replace(foreign.record, phone="4917612345678")
    scene.fetch(long, foreign)
    scene.cycle()
    by_seq = {one.record.seq: one for one in scene.provider.submitted}
    scene.answer(by_seq[1], by_seq[3], by_seq[4])
    scene.buffer.add_results([SendResult(by_seq[2], SendStatus.PERMANENT)])
    scene.database.faults = ["none", "answer lost, committed"]
    for _ in range(4):
        scene.cycle()
    assert scene.counts() == {Status.SENT: 3, Status.FAILED: 1}
    assert costs(scene) == [Charge("EUR", 4, Decimal("0.31"))]


def test_a_late_result_costs_when_it_is_recorded(scene: Scene) -> None:
    scene.provider.price = PRICE
    scene.cycle()
    (first,) = [one for one in scene.provider.submitted if one.record.seq == 1]
    scene.lose_to_another(0)
    scene.answer(first)
    scene.cycle()
    assert costs(scene) == []
    with Database.transaction(scene.database) as cursor:
        cursor.execute(
            "INSERT INTO messages_0 VALUES (%s, 1, 6, 0, 1, 1, NULL, NULL, NOW(6), 1, NULL)",
            (CAMPAIGN,),
        )
    scene.execute_commands()
    assert scene.recorded()[1] == Status.SENT
    assert costs(scene) == [Charge("EUR", 1, Decimal("0.07"))]


def test_without_a_price_nothing_is_written(scene: Scene) -> None:
    scene.cycle()
    scene.answer(*scene.provider.submitted)
    scene.cycle()
    assert scene.counted() == 2
    assert costs(scene) == []


def test_after_the_highest_try_a_message_goes_on(scene: Scene) -> None:
    """A message that waits for months reaches it; later tries have the same number."""
    scene.cycle()
    scene.answer(*scene.provider.submitted)
    scene.cycle()
    for offset in (10, 11):
        waiting = message(1, offset=offset, try_number=LARGEST_TRY)
        waiting.replaces = True
        scene.fetch(waiting)
        scene.cycle()
        scene.buffer.add_results([SendResult(waiting, SendStatus.CIRCUIT_OPEN)])
        scene.cycle()
        assert scene.recorder._available
        assert scene.rows("seq, status, try_number")[0] == (1, Status.WAITING, LARGEST_TRY)
        with scene.database.reading() as cursor:
            cursor.execute("SELECT try_number FROM message_retries_0 WHERE seq = 1")
            assert cursor.fetchone() == (LARGEST_TRY,)
