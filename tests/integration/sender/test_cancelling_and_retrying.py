"""Cancelling, and trying messages again, on a real database (protocol rules 3 and 10)."""

import pytest

from campaign_common.domain.message import Status
from campaign_common.store.core.campaigns import read_versions
from campaign_common.store.messages.ledger import add_counts
from campaign_providers.contract import SendStatus
from campaign_sender.recording import command_handlers
from tests.integration.sender.ordering import answer, cancel, counters_match, ended, retry, submit
from tests.integration.sender.scene import Scene
from tests.unit.sender.messages import CAMPAIGN, message

# -- cancelling


def test_messages_in_doubt_of_a_cancelled_campaign_end_unknown(scene: Scene) -> None:
    """Messages of a cancelled campaign that a provider may have accepted end as unknown."""
    scene.cycle()
    doubtful, refused = submit(scene, message(3), message(4))
    answer(scene, SendStatus.AMBIGUOUS, doubtful)
    answer(scene, SendStatus.RETRYABLE, refused)
    scene.lose_to_another(0)  # message 1 had been sent: a suspect
    scene.change(cancel)
    scene.answer(*[m for m in scene.provider.submitted if m.record.seq == 2])
    scene.execute_commands(cycles=2)
    assert scene.recorded() == {
        1: Status.UNKNOWN,
        2: Status.SENT,
        3: Status.UNKNOWN,
        4: Status.CANCELLED,
    }
    assert counters_match(scene)
    assert scene.rows("seq", "message_retries") == []
    assert scene.open_commands() == 0


def test_results_of_sends_before_a_cancellation_are_recorded(scene: Scene) -> None:
    """Results of sends that a cancellation overtakes are recorded."""
    scene.cycle()
    (again,) = submit(scene, message(3))
    answer(scene, SendStatus.RETRYABLE, again)
    (second_try,) = submit(scene, message(3, offset=9, try_number=2, attempts=1))
    second_try.replaces = True
    scene.change(cancel)
    scene.execute_commands(cycles=2)
    assert scene.recorded()[3] == Status.WAITING
    scene.answer(*[m for m in scene.provider.submitted if m is not again])
    scene.execute_commands(cycles=2)
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT, 3: Status.SENT}
    assert counters_match(scene)
    assert scene.open_commands() == 0


def test_claims_lost_after_the_cancellation_end_unknown(scene: Scene) -> None:
    """Messages claimed by a sender that is lost after the cancellation end as unknown."""
    scene.cycle()
    scene.change(cancel)
    scene.lose_to_another(0)
    scene.lose_to_another(1)
    scene.execute_commands(cycles=2)
    assert scene.recorded() == {1: Status.UNKNOWN, 2: Status.UNKNOWN}
    assert scene.open_commands() == 0
    assert counters_match(scene)


def test_cancelling_before_the_start_asks_nobody(scene: Scene) -> None:
    scene.change(lambda c: c.execute("UPDATE campaigns SET state = 'scheduled', shards = NULL"))
    scene.change(cancel)
    assert scene.open_commands() == 0


# -- retrying by hand


def test_a_manual_retry_is_a_generation_with_all_its_attempts(scene: Scene) -> None:
    """Failed messages wait again as a new generation with all attempts."""
    scene.cycle()
    ended(scene, range(3, 6), error_code="http_400")
    ended(scene, range(6, 9), error_code="http_404")
    scene.change(retry(Status.FAILED, error_code="http_404"))
    scene.execute_commands()
    waiting = [
        (seq, Status.WAITING, 1, 1, 0) if seq > 5 else (seq, Status.FAILED, 0, 1, 1)
        for seq in range(3, 9)
    ]
    assert scene.rows("seq, status, generation, try_number, attempts") == waiting
    retries = "seq, generation, try_number, attempts, due_at <= NOW(6)"
    assert scene.rows(retries, "message_retries") == [(n, 1, 2, 0, 1) for n in range(6, 9)]
    assert counters_match(scene)
    assert scene.open_commands() == 0


def test_a_command_is_executed_in_slices_by_successive_owners(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_handlers, "SEQS_AT_ONCE", 10)
    monkeypatch.setattr(command_handlers, "SCANNED_SEQS", 400)
    scene.cycle()
    ended(scene, range(3, 60), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.execute_commands()
    assert scene.counts()[Status.WAITING] == 10
    scene.lose_to_another(0)
    scene.database.faults = ["answer lost, committed", "none", "answer lost, rolled back"]
    scene.execute_commands(cycles=30)
    assert scene.open_commands() == 0
    assert {generation for (generation,) in scene.rows("generation")} == {1}
    assert scene.counts() == {Status.WAITING: 57}
    assert counters_match(scene)


def test_a_command_ignores_failures_after_its_time(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    ended(scene, range(4, 5), error_code="x")
    scene.execute_commands()
    assert scene.recorded() == {3: Status.WAITING, 4: Status.FAILED}


def test_a_finished_campaign_runs_again_without_a_fan_out(scene: Scene) -> None:
    """A finished campaign runs again and its fan out stays complete."""
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(
        lambda c: c.execute(
            "UPDATE campaigns SET state = 'finished', published_seq = 1000, published_count = 900"
        )
    )
    scene.change(retry(Status.FAILED))
    with scene.database.reading() as cursor:
        cursor.execute("SELECT state, epoch, published_count, finished_at FROM campaigns")
        assert cursor.fetchall() == (("running", 4, 900, None),)


@pytest.mark.parametrize(
    ("state", "status", "lifted"),
    [
        ("finished", Status.FAILED, True),
        ("running", Status.EXPIRED, True),
        ("running", Status.FAILED, False),
    ],
)
def test_a_manual_retry_lifts_the_expiry(
    scene: Scene, state: str, status: Status, lifted: bool
) -> None:
    """An expiry that would undo it is lifted."""
    scene.change(
        lambda c: c.execute(
            "UPDATE campaigns SET state = %s, started_at = NOW(6) - INTERVAL 3 DAY,"
            " expires_at = NOW(6) - INTERVAL 1 DAY",
            (state,),
        )
    )
    scene.change(lambda c: add_counts(c, {(CAMPAIGN, 0, status): 1}))
    scene.change(retry(status))
    with scene.database.reading() as cursor:
        version = read_versions(cursor, [CAMPAIGN])[CAMPAIGN]
    assert (version.expires_in is None) is lifted


def test_a_command_that_matches_nothing_changes_nothing(scene: Scene) -> None:
    scene.change(retry(Status.FAILED))
    assert scene.open_commands() == 0
    with scene.database.reading() as cursor:
        cursor.execute("SELECT epoch FROM campaigns")
        assert cursor.fetchall() == ((3,),)


def test_doubt_about_a_generation_ends_with_it(scene: Scene) -> None:
    """A doubt about the old generation does not follow the new one."""
    scene.cycle()
    scene.change(lambda c: c.execute("UPDATE campaigns SET delivery = 'at_most_once'"))
    scene.lose_to_another(0)
    assert scene.recorded() == {1: Status.UNKNOWN}
    scene.change(
        lambda c: c.execute(
            "INSERT INTO possibly_sent (campaign_id, seq, try_number, generation, shard)"
            " VALUES (%s, 1, 1, 0, 0)",
            (CAMPAIGN,),
        )
    )
    scene.change(retry(Status.UNKNOWN))
    scene.execute_commands()
    (again,) = submit(scene, message(1, offset=9, generation=1, try_number=2))
    again.replaces = True
    answer(scene, SendStatus.RETRYABLE, again)
    assert scene.rows("seq, status, in_doubt")[0] == (1, Status.WAITING, 0)
