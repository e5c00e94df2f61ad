"""Orders to the owner of a shard, carried out on a real database (protocol rules 3, 10 and 14)."""

import threading
import time

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.partition_map import TopicDescription
from campaign_common.errors import StatementRefused
from campaign_common.settings import RetrySettings
from campaign_common.store.shards.partition_map import insert_first_map
from campaign_common.store.shards.shard_commands import request_erasure
from campaign_providers.contract import SendStatus
from campaign_sender.recording import command_handlers, shard_commands
from campaign_sender.recording.shard_commands import REFUSED_FOR
from tests.integration.sender.ordering import answer, cancel, counters_match, ended, retry, submit
from tests.integration.sender.scene import MAP, SHARDS, Scene
from tests.unit.sender.messages import CAMPAIGN, message

# -- erasing


def test_erased_messages_are_cancelled_unless_they_are_sent(scene: Scene) -> None:
    scene.cycle()
    (refused, sent) = submit(scene, message(3), message(4))
    answer(scene, SendStatus.RETRYABLE, refused)
    scene.answer(sent)
    scene.cycle()
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [1, 3, 4, 5]}))
    scene.execute_commands()
    assert scene.recorded() == {3: Status.CANCELLED, 4: Status.SENT, 5: Status.CANCELLED}
    assert scene.open_commands() == 1  # message 1 is at the provider
    (at_provider,) = [m for m in scene.provider.submitted if m.record.seq == 1]
    answer(scene, SendStatus.RETRYABLE, at_provider)
    scene.execute_commands()
    assert scene.recorded()[1] == Status.CANCELLED
    assert scene.open_commands() == 0
    assert counters_match(scene)


def test_a_held_message_is_not_sent_once_it_is_to_be_erased(scene: Scene) -> None:
    scene.change(lambda c: insert_first_map(c, MAP.topic, TopicDescription(MAP.topic_id, SHARDS)))
    scene.cycle()
    (queued,) = submit(scene, message(3))
    scene.guard.refresh()
    assert scene.guard.check_before_send([queued]) == [None]
    for seq in (50, 3):
        scene.change(lambda c, seq=seq: request_erasure(c, CAMPAIGN, {0: [seq]}))
    scene.commands.add([0])
    scene.cycle()
    assert scene.recorded() == {50: Status.CANCELLED}
    assert scene.guard.check_before_send([queued]) == [SendStatus.STALE]
    answer(scene, SendStatus.STALE, queued)
    scene.execute_commands()
    assert scene.recorded() == {3: Status.CANCELLED, 50: Status.CANCELLED}
    assert scene.open_commands() == 0


def test_a_message_fetched_after_its_erasure_is_not_admitted(scene: Scene) -> None:
    scene.change(lambda c: insert_first_map(c, MAP.topic, TopicDescription(MAP.topic_id, SHARDS)))
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [3]}))
    admitter = scene.admitter()
    erased, other = message(3), message(4)
    for fetched in (erased, other):
        fetched.epoch = 1
    admitter._pending = [erased, other]
    admitter.admit()
    assert (scene.buffer.holds(erased), scene.buffer.holds(other)) == (False, True)
    scene.execute_commands()
    assert scene.recorded()[3] == Status.CANCELLED


def test_an_erasure_precedes_earlier_commands(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_handlers, "SEQS_AT_ONCE", 2)
    scene.cycle()
    ended(scene, range(3, 30), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [1, 40]}))
    scene.execute_commands()
    assert scene.recorded()[40] == Status.CANCELLED
    scene.execute_commands(cycles=30)
    assert scene.counts() == {Status.WAITING: 27, Status.CANCELLED: 1}
    assert scene.open_commands() == 1  # message 1 is at the provider


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


def test_no_command_is_executed_between_look_up_and_admission(scene: Scene) -> None:
    scene.cycle()
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [3]}))
    lock = NoticedLock()
    scene.buffer.admission_lock = lock  # type: ignore[assignment]
    with lock.held:  # the loop has looked message 3 up
        recording = threading.Thread(target=scene.execute_commands)
        recording.start()
        assert lock.asked.wait(10)
        scene.fetch(message(3))
        assert scene.recorded() == {}
    recording.join()
    scene.cycle()
    assert scene.submitted() == [1, 2, 3]
    scene.answer(*scene.provider.submitted)
    scene.cycle()
    scene.execute_commands()
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT, 3: Status.SENT}
    assert scene.open_commands() == 0


def test_no_look_up_begins_while_a_command_is_executed(scene: Scene) -> None:
    scene.change(lambda c: insert_first_map(c, MAP.topic, TopicDescription(MAP.topic_id, SHARDS)))
    admitter = scene.admitter()
    fetched = message(3)
    admitter._pending = [fetched]
    lock = NoticedLock()
    scene.buffer.admission_lock = lock  # type: ignore[assignment]
    with lock.held:
        admitting = threading.Thread(target=admitter.admit)
        admitting.start()
        assert lock.asked.wait(10)
        assert not scene.buffer.holds(fetched)
    admitting.join()
    assert scene.buffer.holds(fetched)


# -- late results


def test_a_late_fact_settles_what_was_unknown(scene: Scene) -> None:
    scene.cycle()
    scene.change(lambda c: c.execute("UPDATE campaigns SET delivery = 'at_most_once'"))
    before = {m.record.seq: m for m in scene.provider.submitted}
    scene.lose_to_another(0)
    scene.lose_to_another(1)
    assert scene.recorded() == {1: Status.UNKNOWN, 2: Status.UNKNOWN}
    scene.answer(before[1])
    answer(scene, SendStatus.RETRYABLE, before[2])
    scene.execute_commands(cycles=2)
    assert scene.recorded() == {1: Status.SENT, 2: Status.UNKNOWN}
    assert scene.rows("provider_message_id, in_doubt")[0] == ("id", 0)
    assert counters_match(scene)
    assert scene.open_commands() == 0


def test_a_late_refusal_of_what_was_sent_again_is_no_proof(scene: Scene) -> None:
    """At least once: its next owner has sent it, too, and got no clear answer."""
    scene.cycle()
    before = {m.record.seq: m for m in scene.provider.submitted}
    scene.lose_to_another(0)
    again = message(1, offset=5, attempts=RetrySettings().max_attempts - 1)
    scene.fetch(again)
    scene.cycle()
    answer(scene, SendStatus.AMBIGUOUS, again)
    scene.cycle()
    answer(scene, SendStatus.PERMANENT, before[1])
    scene.execute_commands(cycles=2)
    assert scene.recorded() == {1: Status.UNKNOWN}
    assert counters_match(scene)
    assert scene.open_commands() == 0


# -- orders in general


def test_a_command_of_an_unknown_kind_stops_only_its_campaign(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(
        lambda c: c.execute(
            "INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)"
            " VALUES (0, %s, 'of the future', '{}', NOW(6))",
            (CAMPAIGN + 1,),
        )
    )
    scene.change(retry(Status.FAILED))
    scene.execute_commands(cycles=2)
    assert scene.recorded() == {3: Status.WAITING}
    assert scene.open_commands() == 0


@pytest.mark.parametrize("kind", ["erase", "retry", "late_results"])
def test_an_invalid_command_stops_only_its_own_campaign(scene: Scene, kind: str) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(
        lambda c: c.execute(
            "INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)"
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
    scene.answer(*scene.provider.submitted)
    scene.execute_commands(cycles=4)
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT, 3: Status.WAITING}
    assert scene.open_commands() == 0


def test_a_failed_command_does_not_stop_recording(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.answer(*[m for m in scene.provider.submitted if m.record.seq == 1])
    scene.commands.add([0])
    scene.database.faults = ["away"]
    scene.cycle()
    assert scene.recorded() == {1: Status.SENT, 3: Status.FAILED}
    assert not scene.commands.has_pending
    scene.execute_commands()
    assert scene.recorded() == {1: Status.SENT, 3: Status.WAITING}


def test_a_refused_command_is_retried_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.database.faults = [StatementRefused("a number in no list (error 1175)")]
    scene.execute_commands(cycles=2)
    assert scene.open_commands() == 1
    assert scene.recorded() == {3: Status.FAILED}
    later = time.monotonic() + REFUSED_FOR
    monkeypatch.setattr(shard_commands, "now", lambda: later)
    scene.execute_commands()
    assert scene.open_commands() == 0
    assert scene.recorded() == {3: Status.WAITING}


def test_a_command_to_another_owners_shard_is_left_to_it(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.change(lambda c: c.execute("UPDATE shard_claims SET owner_token = 'another one 1234'"))
    scene.execute_commands()
    assert scene.recorded() == {3: Status.FAILED}
    assert scene.open_commands() == 2
    assert scene.recorder.take_fenced() == {0, 1}


def test_a_cancelled_campaign_is_not_retried(scene: Scene) -> None:
    scene.cycle()
    ended(scene, range(3, 4), error_code="x")
    scene.change(retry(Status.FAILED))
    scene.change(cancel)
    scene.answer(*[m for m in scene.provider.submitted if m.record.seq < 3])
    scene.cycle()
    scene.execute_commands(cycles=3)
    assert scene.recorded()[3] == Status.FAILED
    assert scene.open_commands() == 0
