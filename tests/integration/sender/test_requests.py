"""Orders to the owner of a shard, carried out on a real database (protocol rules 3, 10 and 14)."""

import threading
from collections import Counter
from functools import partial
from time import monotonic
from typing import cast

import pytest

from campaign_common.campaign import Transition
from campaign_common.message import Status
from campaign_common.partition_map import TopicDescription
from campaign_common.store.campaigns import read_versions
from campaign_common.store.ledger import add_counts
from campaign_common.store.partition_map import insert_first_map
from campaign_common.store.shard_requests import request_erasure
from campaign_common.store.transitions import change_state
from campaign_sender import rewriting
from campaign_sender.dead_letters import DeadLetters
from campaign_sender.intake import Intake
from campaign_sender.message import Message
from campaign_sender.newer_records import NewerRecords
from campaign_sender.providers.contract import Answer, Result
from tests.integration.sender.scene import MAP, SHARDS, Scene
from tests.orders import order_retry
from tests.unit.sender.messages import CAMPAIGN, message

cancel = partial(change_state, campaign_id=CAMPAIGN, transition=Transition.CANCEL, actor="a person")


def retry(*statuses: Status, error_code: str | None = None) -> partial[object]:
    return partial(
        order_retry,
        campaign_id=CAMPAIGN,
        actor="a person",
        statuses=statuses,
        error_code=error_code,
    )


def answer(scene: Scene, of: Answer, *messages: Message, error_code: str | None = None) -> None:
    scene.desk.report([Result(m, of, None, error_code) for m in messages])
    scene.cycle()


def called(scene: Scene, *messages: Message) -> list[Message]:
    """Have messages fetched, claimed and handed to the provider."""
    scene.fetch(*messages)
    scene.cycle()
    return list(messages)


def counters_match(scene: Scene) -> bool:
    return scene.counts() == Counter(status for (status,) in scene.rows("status"))


# -- cancelling


def test_what_may_have_been_taken_of_a_cancelled_campaign_ends_unknown(scene: Scene) -> None:
    scene.cycle()
    doubtful, refused = called(scene, message(3), message(4))
    answer(scene, Answer.AMBIGUOUS, doubtful)
    answer(scene, Answer.RETRYABLE, refused)
    scene.lose_to_another(0)  # message 1 had been called: a suspect
    scene.change(cancel)
    scene.answer(*[m for m in scene.provider.calls if m.record.seq == 2])
    scene.carry_out(cycles=2)
    assert scene.recorded() == {
        1: Status.UNKNOWN,
        2: Status.SENT,
        3: Status.UNKNOWN,
        4: Status.CANCELLED,
    }
    assert counters_match(scene)
    assert scene.rows("seq", "message_retries") == []
    assert scene.open_requests() == 0


def test_what_is_at_a_provider_when_its_campaign_is_cancelled_is_recorded(scene: Scene) -> None:
    scene.cycle()
    (again,) = called(scene, message(3))
    answer(scene, Answer.RETRYABLE, again)
    (second_try,) = called(scene, message(3, offset=9, try_number=2, attempts=1))
    second_try.replaces = True
    scene.change(cancel)
    scene.carry_out(cycles=2)
    assert scene.recorded()[3] == Status.WAITING
    scene.answer(*[m for m in scene.provider.calls if m is not again])
    scene.carry_out(cycles=2)
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT, 3: Status.SENT}
    assert counters_match(scene)
    assert scene.open_requests() == 0


def test_what_a_sender_lost_after_the_cancellation_had_claimed_ends_unknown(scene: Scene) -> None:
    scene.cycle()
    scene.change(cancel)
    scene.lose_to_another(0)
    scene.lose_to_another(1)
    scene.carry_out(cycles=2)
    assert scene.recorded() == {1: Status.UNKNOWN, 2: Status.UNKNOWN}
    assert scene.open_requests() == 0
    assert counters_match(scene)


def test_cancelling_before_the_start_asks_nobody(scene: Scene) -> None:
    scene.change(lambda c: c.execute("UPDATE campaigns SET state = 'scheduled', shards = NULL"))
    scene.change(cancel)
    assert scene.open_requests() == 0


# -- retrying by hand


def ended(scene: Scene, numbers: range, *, error_code: str) -> None:
    messages = called(scene, *(message(n) for n in numbers))
    answer(scene, Answer.PERMANENT, *messages, error_code=error_code)


def test_what_failed_waits_again_as_a_new_generation_with_all_its_attempts(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 6), error_code="http_400")
    ended(scene, range(6, 9), error_code="http_404")
    scene.change(retry(Status.FAILED, error_code="http_404"))
    scene.carry_out()
    waiting = [
        (seq, Status.WAITING, 1, 1, 0) if seq > 5 else (seq, Status.FAILED, 0, 1, 1)
        for seq in range(3, 9)
    ]
    assert scene.rows("seq, status, generation, try_number, attempts") == waiting
    retries = "seq, generation, try_number, attempts, due_at <= NOW(6)"
    assert scene.rows(retries, "message_retries") == [(n, 1, 2, 0, 1) for n in range(6, 9)]
    assert counters_match(scene)
    assert scene.open_requests() == 0


def test_an_order_is_carried_out_in_slices_and_by_one_owner_after_the_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "SLICE", 10)
    monkeypatch.setattr(rewriting, "SPAN", 400)
    scene.cycle()
    ended(scene, range(3, 60), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.carry_out()
    assert scene.counts()[Status.WAITING] == 10
    scene.lose_to_another(0)
    scene.database.faults = ["answer lost, committed", "none", "answer lost, rolled back"]
    scene.carry_out(cycles=30)
    assert scene.open_requests() == 0
    assert {generation for (generation,) in scene.rows("generation")} == {1}
    assert scene.counts() == {Status.WAITING: 57}
    assert counters_match(scene)


def test_what_fails_after_the_order_was_given_is_not_its_business(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    ended(scene, range(4, 5), error_code="x")
    scene.carry_out()
    assert scene.recorded() == {3: Status.WAITING, 4: Status.FAILED}


def test_a_finished_campaign_runs_again_and_its_fan_out_stays_complete(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(
        lambda c: c.execute(
            "UPDATE campaigns SET state = 'finished', fanned_seq = 1000, fanned_count = 900"
        )
    )
    scene.change(retry(Status.FAILED))
    with scene.database.reading() as cursor:
        cursor.execute("SELECT state, epoch, fanned_count, finished_at FROM campaigns")
        assert cursor.fetchall() == (("running", 4, 900, None),)


@pytest.mark.parametrize(
    ("state", "status", "lifted"),
    [
        ("finished", Status.FAILED, True),
        ("running", Status.EXPIRED, True),
        ("running", Status.FAILED, False),
    ],
)
def test_ages_count_from_the_order_and_an_expiry_that_would_undo_it_is_lifted(
    scene: Scene, state: str, status: Status, lifted: bool
) -> None:
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
    assert version.age < 3600


def test_an_order_that_matches_nothing_changes_nothing(scene: Scene) -> None:
    scene.change(retry(Status.FAILED))
    assert scene.open_requests() == 0
    with scene.database.reading() as cursor:
        cursor.execute("SELECT epoch FROM campaigns")
        assert cursor.fetchall() == ((3,),)


def test_a_doubt_about_the_old_generation_does_not_follow_the_new_one(scene: Scene) -> None:
    scene.cycle()
    scene.change(lambda c: c.execute("UPDATE campaigns SET delivery = 'at_most_once'"))
    scene.lose_to_another(0)
    assert scene.recorded() == {1: Status.UNKNOWN}
    scene.change(
        lambda c: c.execute(
            "INSERT INTO suspects (campaign_id, seq, try_number, generation, shard)"
            " VALUES (%s, 1, 1, 0, 0)",
            (CAMPAIGN,),
        )
    )
    scene.change(retry(Status.UNKNOWN))
    scene.carry_out()
    (again,) = called(scene, message(1, offset=9, generation=1, try_number=2))
    again.replaces = True
    answer(scene, Answer.RETRYABLE, again)
    assert scene.rows("seq, status, in_doubt")[0] == (1, Status.WAITING, 0)


# -- erasing


def test_erased_messages_are_cancelled_unless_they_are_sent(scene: Scene) -> None:
    scene.cycle()
    (refused, sent) = called(scene, message(3), message(4))
    answer(scene, Answer.RETRYABLE, refused)
    scene.answer(sent)
    scene.cycle()
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [1, 3, 4, 5]}))
    scene.carry_out()
    assert scene.recorded() == {3: Status.CANCELLED, 4: Status.SENT, 5: Status.CANCELLED}
    assert scene.open_requests() == 1  # message 1 is at the provider
    (at_provider,) = [m for m in scene.provider.calls if m.record.seq == 1]
    answer(scene, Answer.RETRYABLE, at_provider)
    scene.carry_out()
    assert scene.recorded()[1] == Status.CANCELLED
    assert scene.open_requests() == 0
    assert counters_match(scene)


def test_no_call_starts_any_more_for_what_is_erased_while_it_is_held(scene: Scene) -> None:
    scene.change(lambda c: insert_first_map(c, MAP.topic, TopicDescription(MAP.topic_id, SHARDS)))
    scene.cycle()
    (queued,) = called(scene, message(3))
    scene.lookout.look()
    assert scene.lookout.last_look(queued) is None
    for seq in (50, 3):
        scene.change(lambda c, seq=seq: request_erasure(c, CAMPAIGN, {0: [seq]}))
    scene.requests.note([0])
    scene.cycle()
    assert scene.recorded() == {50: Status.CANCELLED}
    assert scene.lookout.last_look(queued) is Answer.VOID
    answer(scene, Answer.VOID, queued)
    scene.carry_out()
    assert scene.recorded() == {3: Status.CANCELLED, 50: Status.CANCELLED}
    assert scene.open_requests() == 0


def test_what_is_fetched_after_the_order_to_erase_it_is_not_even_admitted(scene: Scene) -> None:
    scene.change(lambda c: insert_first_map(c, MAP.topic, TopicDescription(MAP.topic_id, SHARDS)))
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [3]}))
    intake = Intake(
        scene.database,
        MAP.topic,
        scene.desk,
        scene.lookout,
        cast("DeadLetters", None),
        NewerRecords(monotonic, 60),
    )
    erased, other = message(3), message(4)
    for fetched in (erased, other):
        fetched.epoch = 1
    intake._waiting = [erased, other]
    intake.admit()
    assert (scene.desk.holds(erased), scene.desk.holds(other)) == (False, True)
    scene.carry_out()
    assert scene.recorded()[3] == Status.CANCELLED


def test_an_erasure_goes_before_what_was_ordered_earlier(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "SLICE", 2)
    scene.cycle()
    ended(scene, range(3, 30), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [1, 40]}))
    scene.carry_out()
    assert scene.recorded()[40] == Status.CANCELLED
    scene.carry_out(cycles=30)
    assert scene.counts() == {Status.WAITING: 27, Status.CANCELLED: 1}
    assert scene.open_requests() == 1  # message 1 is at the provider


class NoticedLock:
    """A lock that tells when somebody asks for it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.held = threading.Lock()

    def __enter__(self) -> None:
        self.asked.set()
        self.held.acquire()

    def __exit__(self, *_: object) -> None:
        self.held.release()


def test_no_request_is_carried_out_between_a_look_up_and_its_admission(scene: Scene) -> None:
    scene.cycle()
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [3]}))
    lock = NoticedLock()
    scene.desk.admitting = lock  # type: ignore[assignment]
    with lock.held:  # the loop has looked message 3 up
        recording = threading.Thread(target=scene.carry_out)
        recording.start()
        assert lock.asked.wait(10)
        scene.fetch(message(3))
        assert scene.recorded() == {}
    recording.join()
    scene.cycle()
    assert scene.called() == [1, 2, 3]
    scene.answer(*scene.provider.calls)
    scene.cycle()
    scene.carry_out()
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT, 3: Status.SENT}
    assert scene.open_requests() == 0


def test_no_look_up_begins_while_a_request_is_carried_out(scene: Scene) -> None:
    scene.change(lambda c: insert_first_map(c, MAP.topic, TopicDescription(MAP.topic_id, SHARDS)))
    intake = Intake(
        scene.database,
        MAP.topic,
        scene.desk,
        scene.lookout,
        cast("DeadLetters", None),
        NewerRecords(monotonic, 60),
    )
    fetched = message(3)
    intake._waiting = [fetched]
    lock = NoticedLock()
    scene.desk.admitting = lock  # type: ignore[assignment]
    with lock.held:
        admitting = threading.Thread(target=intake.admit)
        admitting.start()
        assert lock.asked.wait(10)
        assert not scene.desk.holds(fetched)
    admitting.join()
    assert scene.desk.holds(fetched)


# -- late results


def test_a_late_fact_settles_what_was_unknown(scene: Scene) -> None:
    scene.cycle()
    scene.change(lambda c: c.execute("UPDATE campaigns SET delivery = 'at_most_once'"))
    before = {m.record.seq: m for m in scene.provider.calls}
    scene.lose_to_another(0)
    scene.lose_to_another(1)
    assert scene.recorded() == {1: Status.UNKNOWN, 2: Status.UNKNOWN}
    scene.answer(before[1])
    answer(scene, Answer.RETRYABLE, before[2])
    scene.carry_out(cycles=2)
    assert scene.recorded() == {1: Status.SENT, 2: Status.UNKNOWN}
    assert scene.rows("provider_message_id, in_doubt")[0] == ("id", 0)
    assert counters_match(scene)
    assert scene.open_requests() == 0


# -- orders in general


def test_a_request_of_an_unknown_kind_stops_only_its_own_campaign(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(
        lambda c: c.execute(
            "INSERT INTO shard_requests (shard, campaign_id, kind, arguments, requested_at)"
            " VALUES (0, %s, 'of the future', '{}', NOW(6))",
            (CAMPAIGN + 1,),
        )
    )
    scene.change(retry(Status.FAILED))
    scene.carry_out(cycles=2)
    assert scene.recorded() == {3: Status.WAITING}
    assert scene.open_requests() == 0


@pytest.mark.parametrize("kind", ["erase", "retry", "late_results"])
def test_an_order_that_is_wrong_stops_only_its_own_campaign(scene: Scene, kind: str) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(
        lambda c: c.execute(
            "INSERT INTO shard_requests (shard, campaign_id, kind, arguments, requested_at)"
            " SELECT 0, id + 1, %s, '{}', NOW(6) FROM campaigns",
            (kind,),
        )
    )
    scene.change(
        lambda c: c.execute(
            "INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state,"
            " last_seq, created_at)"
            " VALUES (%s, '', '', 1, 'at_least_once', 'collected', 'running', 9, NOW(6))",
            (CAMPAIGN + 1,),
        )
    )
    scene.change(retry(Status.FAILED))
    scene.answer(*scene.provider.calls)
    scene.carry_out(cycles=4)
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT, 3: Status.WAITING}
    assert scene.open_requests() == 0


def test_a_request_that_fails_keeps_nothing_from_being_recorded(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.answer(*[m for m in scene.provider.calls if m.record.seq == 1])
    scene.requests.note([0])
    scene.database.faults = ["away"]
    scene.cycle()
    assert scene.recorded() == {1: Status.SENT, 3: Status.FAILED}
    assert not scene.requests.noted
    scene.carry_out()
    assert scene.recorded() == {1: Status.SENT, 3: Status.WAITING}


def test_an_order_to_a_shard_of_another_owner_is_left_to_it(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.change(lambda c: c.execute("UPDATE shard_claims SET owner_token = 'another one 1234'"))
    scene.carry_out()
    assert scene.recorded() == {3: Status.FAILED}
    assert scene.open_requests() == 2
    assert scene.recorder.take_fenced() == {0, 1}


def test_a_cancelled_campaign_is_not_retried(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.change(cancel)
    scene.answer(*[m for m in scene.provider.calls if m.record.seq < 3])
    scene.cycle()
    scene.carry_out(cycles=3)
    assert scene.recorded()[3] == Status.FAILED
    assert scene.open_requests() == 0
