"""People who do not want a message, on a real database (protocol rule 18)."""

from collections.abc import Callable

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.message import Status
from campaign_common.domain.partition_map import TopicDescription
from campaign_common.errors import DatabaseUnavailable
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.core.campaigns import read_versions
from campaign_common.store.inbound.inbound_writer import InboundWriter
from campaign_common.store.messages.send_view import FRESH_FOR
from campaign_common.store.shards.partition_map import insert_first_map
from campaign_common.store.suppressions.suppressions import (
    Suppression,
    add_suppressions,
    put_suppression,
    remove_suppression,
    suppressions_of,
)
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.message import Message
from tests.integration.sender.ordering import answer, counters_match, retry, submit
from tests.integration.sender.scene import MAP, SHARDS, Scene
from tests.support.inbound import inbound
from tests.unit.sender.messages import CAMPAIGN, message

PHONE = message().record.phone
SEQ = 3


def suppressed(scope: str = "*", phone: str = PHONE) -> Suppression:
    return Suppression(phone, scope, "stop", "api")


def suppress(scene: Scene, scope: str = "*", phone: str = PHONE) -> None:
    scene.change(lambda c: put_suppression(c, suppressed(scope, phone), "a person"))


def admit(scene: Scene, *messages: Message) -> None:
    """Admit fetched messages as the consumer loop does, after a look of the send guard."""
    scene.guard.refresh()
    admitter = scene.admitter()
    for fetched in messages:
        owned = scene.buffer.owned(fetched.record.shard)
        assert owned is not None
        fetched.epoch = owned.epoch
        admitter.enqueue([fetched], {owned.shard: owned})
    admitter.admit()


def code_of(scene: Scene, seq: int) -> tuple[object, object]:
    (found,) = [(row[1], row[2]) for row in scene.rows("seq, status, error_code") if row[0] == seq]
    return found


@pytest.fixture
def mapped(scene: Scene) -> Scene:
    """A scene whose two messages are sent and recorded, with a partition map."""
    topic = TopicDescription(MAP.topic_id, SHARDS)
    scene.change(lambda c: insert_first_map(c, MAP.topic, topic))
    scene.cycle()
    scene.answer(*scene.provider.submitted)
    scene.cycle()
    scene.provider.submitted.clear()
    return scene


@pytest.mark.parametrize(
    ("scope", "is_sent"),
    [
        pytest.param("*", False, id="everything"),
        pytest.param("provider:collected", False, id="its provider"),
        pytest.param("provider:other", True, id="another provider"),
        pytest.param("sender:shop", False, id="its originator"),
        pytest.param("sender:other", True, id="another originator"),
        pytest.param("topic:offers", False, id="its topic"),
        pytest.param("topic:news", True, id="another topic"),
    ],
)
def test_a_scope_applies_to_its_messages_alone(mapped: Scene, scope: str, is_sent: bool) -> None:
    mapped.change(lambda c: c.execute("UPDATE campaigns SET topic = 'offers'"))
    mapped.guard.suppressions.originator_of = {"collected": "Shop"}.get
    suppress(mapped, scope)
    admit(mapped, message(SEQ))
    mapped.guard.refresh()
    mapped.cycle()
    assert mapped.submitted() == ([SEQ] if is_sent else [])
    if not is_sent:
        mapped.cycle()
        assert code_of(mapped, SEQ) == (Status.SUPPRESSED, "suppressed")
    assert counters_match(mapped)


def test_a_suppression_that_is_over_does_not_apply(mapped: Scene) -> None:
    suppress(mapped)
    mapped.change(lambda c: c.execute("UPDATE suppressions SET until = NOW(6) - INTERVAL 1 SECOND"))
    admit(mapped, message(SEQ))
    mapped.guard.refresh()
    mapped.cycle()
    assert mapped.submitted() == [SEQ]


def test_a_held_message_of_a_suppressed_person_is_not_sent(mapped: Scene) -> None:
    """A person is suppressed while their message waits in the sender."""
    admit(mapped, message(SEQ))
    suppress(mapped)
    mapped.guard.refresh()
    (held,) = mapped.buffer.held_for(None)
    assert mapped.guard.check_before_send([held]) == [SendStatus.SUPPRESSED]
    mapped.cycle()
    mapped.buffer.add_results([SendResult(held, SendStatus.SUPPRESSED)])
    mapped.cycle()
    assert code_of(mapped, SEQ) == (Status.SUPPRESSED, "suppressed")
    assert counters_match(mapped)


@pytest.mark.parametrize("is_being_imported", [False, True])
def test_a_stop_keeps_a_held_message_back(mapped: Scene, is_being_imported: bool) -> None:
    """Also of a person whose row an import has stored, which tells senders of it at its end."""
    admit(mapped, message(SEQ))
    if is_being_imported:
        row = "INSERT INTO suppressions VALUES (%s, '*', 'list', 'file', NOW(6), NULL, NULL)"
        mapped.change(lambda c: c.execute(row, (PHONE,)))
    stop = inbound(phone=PHONE, text="stop", keyword=KeywordKind.STOP)
    InboundWriter(mapped.server.main).write([stop])
    mapped.guard.refresh()
    (held,) = mapped.buffer.held_for(None)
    assert mapped.guard.check_before_send([held]) == [SendStatus.SUPPRESSED]


def test_a_suppression_lifted_before_the_look_changes_nothing(mapped: Scene) -> None:
    admit(mapped, message(SEQ))
    suppress(mapped)
    mapped.change(lambda c: remove_suppression(c, PHONE, "*", "a person"))
    mapped.guard.refresh()
    (held,) = mapped.buffer.held_for(None)
    assert mapped.guard.check_before_send([held]) == [None]


def test_a_change_that_commits_late_is_seen(mapped: Scene) -> None:
    """Another transaction took its number first and commits after a later number was seen."""
    admit(mapped, message(SEQ))
    with Database.transaction(mapped.server.main) as cursor:
        put_suppression(cursor, suppressed(), "a person")
        suppress(mapped, phone="4915112345678")
        mapped.guard.refresh()
        mapped.guard.refresh()
    mapped.guard.refresh()
    (held,) = mapped.buffer.held_for(None)
    assert mapped.guard.check_before_send([held]) == [SendStatus.SUPPRESSED]


@pytest.mark.parametrize("scope", ["*", "topic:offers"])
def test_a_change_between_look_up_and_admission_is_seen(
    mapped: Scene, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    """The change is committed and seen after the look-up, and before the message is held."""
    mapped.change(lambda c: c.execute("UPDATE campaigns SET topic = 'offers'"))
    suppress(mapped, phone="4915112345678")
    mapped.guard.refresh()
    admitter = mapped.admitter()
    hold = admitter._hold

    def hold_later(*batch: object) -> None:
        suppress(mapped, scope)
        # A read that begins so late forgets campaigns of which no message is held yet.
        monkeypatch.setattr(mapped.guard, "_clock", lambda: boot_time() + 2 * FRESH_FOR)
        mapped.guard.refresh()
        assert mapped.guard.version_of(CAMPAIGN) is None
        hold(*batch)  # type: ignore[arg-type]

    monkeypatch.setattr(admitter, "_hold", hold_later)
    fetched, owned = message(SEQ), mapped.buffer.owned(0)
    assert owned is not None
    fetched.epoch = owned.epoch
    admitter.enqueue([fetched], {0: owned})
    admitter.admit()
    mapped.guard.refresh()
    mapped.cycle()
    assert mapped.submitted() == []
    mapped.cycle()
    assert code_of(mapped, SEQ) == (Status.SUPPRESSED, "suppressed")


def test_a_repeated_admission_looks_again(mapped: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suppression is lifted after an admission found it, and failed."""
    suppress(mapped)
    mapped.guard.refresh()
    admitter, owned, fetched = mapped.admitter(), mapped.buffer.owned(0), message(SEQ)
    assert owned is not None
    fetched.epoch = owned.epoch
    admitter.enqueue([fetched], {0: owned})

    def fail(*_: object) -> None:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(admitter, "_hold", fail)
        with pytest.raises(DatabaseUnavailable):
            admitter.admit()
    mapped.change(lambda c: remove_suppression(c, PHONE, "*", "a person"))
    admitter.admit()
    mapped.guard.refresh()
    mapped.cycle()
    assert mapped.submitted() == [SEQ]


def test_an_import_has_all_held_messages_looked_up(mapped: Scene) -> None:
    """An import writes no change for each row; its number has senders look up what they hold."""
    admit(mapped, message(SEQ))

    def end_import(cursor: Cursor) -> None:
        add_suppressions(cursor, [suppressed()], "an import")
        cursor.execute("DELETE FROM suppression_changes")
        cursor.execute("UPDATE suppression_state SET imports = imports + 1")

    mapped.change(end_import)
    mapped.guard.refresh()
    (held,) = mapped.buffer.held_for(None)
    assert mapped.guard.check_before_send([held]) == [SendStatus.SUPPRESSED]


def test_an_earlier_try_that_may_be_taken_ends_unknown(mapped: Scene) -> None:
    (first,) = submit(mapped, message(SEQ))
    answer(mapped, SendStatus.AMBIGUOUS, first)
    suppress(mapped)
    admit(mapped, message(SEQ, offset=9, try_number=2, attempts=1))
    mapped.cycle()
    assert code_of(mapped, SEQ) == (Status.UNKNOWN, "suppressed")
    assert mapped.rows("seq", "message_retries") == []
    assert counters_match(mapped)


def test_a_retry_by_hand_waits_for_the_suppression_to_be_lifted(mapped: Scene) -> None:
    """A person who is retried by hand is left out until the suppression is lifted."""
    suppress(mapped)
    admit(mapped, message(SEQ))
    mapped.cycle()
    for generation, is_lifted in ((1, False), (2, True)):
        if is_lifted:
            mapped.change(lambda c: remove_suppression(c, PHONE, "*", "a person"))
        mapped.change(retry(Status.SUPPRESSED))
        mapped.execute_commands(cycles=2)
        with mapped.server.main.reading() as cursor:
            epoch = read_versions(cursor, [CAMPAIGN])[CAMPAIGN].epoch
        waiting = [row for row in mapped.rows("seq, generation, try_number") if row[0] == SEQ]
        assert [row[1] for row in waiting] == [generation]
        again = message(
            SEQ,
            offset=10 + generation,
            generation=generation,
            try_number=waiting[0][2] + 1,
            campaign_epoch=epoch,
        )
        admit(mapped, again)
        mapped.guard.refresh()
        mapped.cycle()
        mapped.cycle()
        assert mapped.submitted() == ([SEQ] if is_lifted else [])
        assert code_of(mapped, SEQ)[0] == (Status.WAITING if is_lifted else Status.SUPPRESSED)


def test_an_empty_table_is_not_looked_up(mapped: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    mapped.guard.refresh()
    mapped.guard.refresh()
    looked_up = list[list[str]]()
    monkeypatch.setattr(
        "campaign_sender.admission.batch_admitter.look_up_suppressed",
        lambda _, phones: looked_up.append(list(phones)) or {},
    )
    admit(mapped, message(SEQ))
    assert looked_up == [[]]


# -- answers of providers


@pytest.fixture
def told(mapped: Scene) -> Callable[[], list[Suppression]]:
    def read() -> list[Suppression]:
        with mapped.server.main.reading() as cursor:
            return suppressions_of(cursor, PHONE)

    return read


def unwanted(held: Message) -> SendResult[Message]:
    return SendResult(held, SendStatus.PERMANENT, None, "21610", suppress=True)


def test_an_answer_that_suppresses_is_about_the_provider(
    mapped: Scene, told: Callable[[], list[Suppression]]
) -> None:
    (held,) = submit(mapped, message(SEQ))
    mapped.buffer.add_results([unwanted(held)])
    mapped.cycle()
    assert code_of(mapped, SEQ) == (Status.FAILED, "21610")
    assert [one[1:4] for one in told()] == [("provider:collected", "provider_answer", "collected")]


def test_a_suppression_is_written_before_its_outcome(
    mapped: Scene, told: Callable[[], list[Suppression]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that is killed between the two transactions has not forgotten the person."""
    (held,) = submit(mapped, message(SEQ))
    mapped.buffer.add_results([unwanted(held)])

    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr("campaign_sender.recording.transaction.write", die)
    with pytest.raises(SystemExit):
        mapped.cycle()
    assert SEQ not in mapped.recorded()
    assert len(told()) == 1


def test_nothing_is_recorded_while_suppressions_cannot_be(
    mapped: Scene, told: Callable[[], list[Suppression]]
) -> None:
    (held,) = submit(mapped, message(SEQ))
    mapped.buffer.add_results([unwanted(held)])
    mapped.database.faults = ["away"]
    mapped.cycle()
    assert (SEQ in mapped.recorded(), told()) == (False, [])
    mapped.cycle()
    assert (SEQ in mapped.recorded(), len(told())) == (True, 1)
