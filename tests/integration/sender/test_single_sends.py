"""Test messages and answers: called for once, by one sender, outside of every counter."""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import (
    ANY_CONTENT,
    TEXT_ONLY,
    ContentSupport,
    Rendered,
)
from campaign_common.domain.content.price import Price
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_common.domain.message import Status
from campaign_common.domain.message_record import MessageTemplate
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.dsn import parse_dsn
from campaign_common.errors import DatabaseUnavailable
from campaign_common.settings import MysqlSettings
from campaign_common.store.messages.single_messages import (
    NO_CAMPAIGN,
    insert_single_message,
    read_single_message,
)
from campaign_common.store.messages.single_messages import NewSingleMessage as Wanted
from campaign_common.store.suppressions.suppressions import Suppression, put_suppression
from campaign_providers.contract import OnResults, PreSendCheck, SendResult, SendStatus
from campaign_sender.message import Message
from campaign_sender.single.single_sends import SingleSends as Sending
from tests.integration.sender.world import SHARDS, World
from tests.support.servers.schemas import make_current
from tests.support.waiting import wait_until

PHONE = "13900000001"

UNLIMITED = {"phone": ProviderLimits(), "http": ProviderLimits()}

ORDER = MessageTemplate("order_1", "de", ("Ann",))

TEST, ANSWER = ReferencePurpose.TEST, ReferencePurpose.ANSWER

OWNED = "SELECT COUNT(*) FROM sender_heartbeats s JOIN shard_claims c ON c.owner_name = s.name"


class Phone:
    """A provider that answers when the test says so."""

    name = "phone"
    alive = True
    price: Price | None = None

    def __init__(self, support: ContentSupport = ANY_CONTENT) -> None:
        self.support = support
        self.submitted: list[Message] = []
        self.on_results: OnResults[Message] = lambda _: None

    def make(
        self, check_before_send: PreSendCheck[Message], on_results: OnResults[Message]
    ) -> "Phone":
        self.check_before_send = check_before_send
        self.on_results = on_results
        return self

    def submit(self, messages: Sequence[Message], *, first: bool = False) -> None:  # noqa: ARG002
        self.submitted += messages

    def answer(
        self, answer: SendStatus, message_id: str | None = None, code: str | None = None
    ) -> None:
        self.on_results(
            [SendResult(message, answer, message_id, code) for message in self.submitted]
        )

    def close(self) -> None:
        pass


@pytest.fixture
def pool(database: str) -> Database:
    pool = Database(MysqlSettings(dsn=parse_dsn(database)))
    make_current(pool, 2)
    return pool


def want(
    pool: Database,
    provider: str = "phone",
    rendered: Rendered = Rendered("hi Ann"),  # noqa: B008 - immutable
    originator: str | None = None,
    purpose: ReferencePurpose = TEST,
) -> int:
    campaign = NO_CAMPAIGN if purpose is ANSWER else CampaignId(5)
    wanted = Wanted(campaign, provider, PHONE, rendered, originator, "me", purpose)
    return pool.run(partial(insert_single_message, message=wanted))


def outcome(pool: Database, test_id: int) -> tuple[Status | None, str | None, str | None]:
    with pool.reading() as cursor:
        message = read_single_message(cursor, test_id)
    assert message is not None
    return message.status, message.provider_message_id, message.error_code


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (SendStatus.ACCEPTED, Status.SENT),
        (SendStatus.PERMANENT, Status.FAILED),
        (SendStatus.RETRYABLE, Status.FAILED),
        (SendStatus.THROTTLED, Status.FAILED),
        (SendStatus.AMBIGUOUS, Status.UNKNOWN),
        (SendStatus.EXPIRED, Status.EXPIRED),
    ],
)
def test_the_outcome_of_one_send_is_recorded(
    pool: Database, answer: SendStatus, status: Status
) -> None:
    phone = Phone()
    sending = Sending(pool, {"phone": phone.make}, UNLIMITED)
    test_id = want(pool)
    sending.step()
    (message,) = phone.submitted
    assert message.idempotency_key == f"test-{test_id}"
    assert message.referenced == (ReferencePurpose.TEST, 5, test_id, 0, 0)
    record = message.record
    assert (record.phone, record.body, record.campaign_id) == (PHONE, "hi Ann", 5)
    assert phone.check_before_send([message]) == [None]
    assert outcome(pool, test_id) == (None, None, None)
    phone.answer(answer, "id-1", "code")
    sending.step()
    assert outcome(pool, test_id) == (status, "id-1", "code")
    assert len(phone.submitted) == 1


@pytest.mark.parametrize(
    ("rendered", "originator"), [(Rendered("", ORDER), None), (Rendered("hi Ann"), "Shop")]
)
def test_other_content_is_sent_by_who_knows_it(
    pool: Database, rendered: Rendered, originator: str | None
) -> None:
    want(pool, rendered=rendered, originator=originator)
    with pool.reading() as cursor:
        # As 0.2.0 looks for messages.
        cursor.execute("SELECT COUNT(*) FROM trial_messages WHERE provider IN ('phone')")
        assert cursor.fetchall() == ((0,),)
    phone = Phone()
    Sending(pool, {"phone": phone.make}, UNLIMITED).step()
    (message,) = phone.submitted
    record = message.record
    assert (record.body, record.template, record.originator) == (*rendered, originator)


def test_content_that_its_provider_does_not_take_is_not_sent(pool: Database) -> None:
    phone = Phone(TEXT_ONLY)
    sending = Sending(pool, {"phone": phone.make}, UNLIMITED)
    test_id = want(pool, rendered=Rendered("", ORDER))
    sending.step()
    sending.step()
    assert phone.submitted == []
    assert outcome(pool, test_id) == (Status.FAILED, None, "content_not_taken")


def test_an_answer_that_suppresses_is_stored_before_its_outcome(pool: Database) -> None:
    phone, told = Phone(), list[object]()
    test_id = want(pool)

    def write(results: Sequence[SendResult[Message]]) -> None:
        told.extend(results)
        assert outcome(pool, test_id)[0] is None
        if len(told) == 1:
            raise DatabaseUnavailable("gone")

    sends = Sending(pool, {"phone": phone.make}, UNLIMITED, write_suppressions=write)
    sends.step()
    (message,) = phone.submitted
    phone.submitted.clear()
    sends.on_results([SendResult(message, SendStatus.PERMANENT, None, "21610", suppress=True)])
    with pytest.raises(DatabaseUnavailable):
        sends.step()
    sends.step()
    assert (len(told), outcome(pool, test_id)) == (2, (Status.FAILED, None, "21610"))


def test_two_senders_send_once(pool: Database) -> None:
    phones = [Phone() for _ in range(4)]
    ids = [want(pool) for _ in range(30)]
    senders = [Sending(pool, {"phone": phone.make}, UNLIMITED) for phone in phones]
    threads = [
        threading.Thread(target=lambda s=sender: [s.step() for _ in range(8)])  # type: ignore[misc]
        for sender in senders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = sorted(message.idempotency_key for phone in phones for message in phone.submitted)
    assert keys == sorted(f"test-{test_id}" for test_id in ids)


@pytest.mark.parametrize("purpose", [TEST, ANSWER])
def test_a_message_taken_by_a_lost_sender_is_not_sent_again(
    pool: Database, purpose: ReferencePurpose
) -> None:
    want(pool, purpose=purpose)
    Sending(pool, {"phone": Phone().make}, UNLIMITED).step()
    other = Phone()
    Sending(pool, {"phone": other.make}, UNLIMITED).step()
    assert other.submitted == []


def test_an_old_test_message_is_not_sent(pool: Database) -> None:
    want(pool)
    with pool.transaction() as cursor:
        cursor.execute("UPDATE trial_messages SET requested_at = NOW(6) - INTERVAL 40 SECOND")
    phone = Phone()
    now = [100.0]
    sending = Sending(pool, {"phone": phone.make}, UNLIMITED, clock=lambda: now[0])
    sending.step()
    assert phone.submitted == []
    want(pool)
    sending.step()
    now[0] += 11.0  # the process stood still before the call
    assert phone.check_before_send(phone.submitted[:1]) == [SendStatus.EXPIRED]


@pytest.mark.parametrize("originator", [None, "4915100000000"])
def test_an_answer_has_a_name_of_its_own(pool: Database, originator: str | None) -> None:
    phone = Phone()
    sending = Sending(pool, {"phone": phone.make}, UNLIMITED)
    answer_id = want(pool, originator=originator, purpose=ANSWER)
    sending.step()
    (message,) = phone.submitted
    assert message.idempotency_key == f"answer-{answer_id}"
    assert message.referenced == (ReferencePurpose.ANSWER, 0, answer_id, 0, 0)
    assert (message.record.body, message.record.originator) == ("hi Ann", originator)
    phone.answer(SendStatus.ACCEPTED, "id-1")
    sending.step()
    assert outcome(pool, answer_id) == (Status.SENT, "id-1", None)


def test_an_answer_goes_to_a_suppressed_person(pool: Database) -> None:
    """The answer to STOP says that it was heard."""
    stop = Suppression(PHONE, "*", "stop", "inbound")
    pool.run(lambda cursor: put_suppression(cursor, stop, "me"))
    want(pool, purpose=ANSWER)
    phone = Phone()
    Sending(pool, {"phone": phone.make}, UNLIMITED).step()
    assert len(phone.submitted) == 1


@pytest.mark.parametrize(("age", "sent"), [(290, 1), (310, 0)])
def test_an_answer_waits_for_a_sender_for_five_minutes(pool: Database, age: int, sent: int) -> None:
    want(pool, purpose=ANSWER)
    with pool.transaction() as cursor:
        cursor.execute(
            "UPDATE trial_messages SET requested_at = NOW(6) - INTERVAL %s SECOND", (age,)
        )
    phone = Phone()
    Sending(pool, {"phone": phone.make}, UNLIMITED).step()
    assert len(phone.submitted) == sent


def test_test_messages_wait_behind_no_answers(pool: Database) -> None:
    """Somebody waits for these."""
    for _ in range(25):
        want(pool, purpose=ANSWER)
    test_id = want(pool)
    phone = Phone()
    Sending(pool, {"phone": phone.make}, UNLIMITED).step()
    assert phone.submitted[0].idempotency_key == f"test-{test_id}"
    assert len(phone.submitted) == 20


def test_messages_for_providers_of_others_are_left_to_them(pool: Database) -> None:
    want(pool, "http")
    phone = Phone()
    Sending(pool, {"phone": phone.make}, UNLIMITED).step()
    other = Phone()
    Sending(pool, {"http": other.make}, UNLIMITED).step()
    assert (len(phone.submitted), len(other.submitted)) == (0, 1)


def test_an_outcome_outlasts_an_outage(pool: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Phone()
    sending = Sending(pool, {"phone": phone.make}, UNLIMITED)
    test_id = want(pool)
    sending.step()
    phone.answer(SendStatus.ACCEPTED, "id-1")

    def away() -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(pool, "transaction", away)
        with pytest.raises(DatabaseUnavailable):
            sending.step()
    sending.step()
    assert outcome(pool, test_id) == (Status.SENT, "id-1", None)


def day(per_day: int, unit: LimitUnit = LimitUnit.MESSAGES) -> dict[str, ProviderLimits]:
    return {"phone": ProviderLimits(per_day=per_day, unit=unit, zone="Asia/Tokyo")}


def taken_of_day(pool: Database) -> int:
    with pool.reading() as cursor:
        cursor.execute("SELECT COALESCE(SUM(taken), 0) FROM provider_days")
        return int(cursor.fetchall()[0][0])


def test_test_messages_do_not_exceed_the_day(pool: Database) -> None:
    """Those of several senders count together, and a used-up day refuses the next one."""
    phones = Phone(), Phone()
    senders = [Sending(pool, {"phone": phone.make}, day(3)) for phone in phones]
    ids = []
    for sender in senders:
        ids += [want(pool), want(pool)]
        sender.step()
    senders[1].step()
    assert [len(phone.submitted) for phone in phones] == [2, 1]
    assert outcome(pool, ids[3]) == (Status.FAILED, None, "day_used_up")
    assert taken_of_day(pool) == 3


def test_a_test_message_takes_its_segments_of_the_day(pool: Database) -> None:
    phone = Phone()
    sender = Sending(pool, {"phone": phone.make}, day(3, LimitUnit.SEGMENTS))
    ids = [want(pool, rendered=Rendered("x" * 200)) for _ in range(2)]  # two segments each
    sender.step()
    sender.step()
    assert len(phone.submitted) == 1
    assert outcome(pool, ids[1]) == (Status.FAILED, None, "day_used_up")
    assert taken_of_day(pool) == 2


@pytest.mark.parametrize(
    ("answer", "taken"),
    [(SendStatus.EXPIRED, 0), (SendStatus.UNCONFIGURED, 0), (SendStatus.AMBIGUOUS, 1)],
)
def test_a_day_gets_back_what_was_not_sent(pool: Database, answer: SendStatus, taken: int) -> None:
    phone = Phone()
    sender = Sending(pool, {"phone": phone.make}, day(3))
    want(pool)
    sender.step()
    assert taken_of_day(pool) == 1
    phone.answer(answer)
    sender.step()
    assert taken_of_day(pool) == taken


def test_nothing_is_sent_whose_units_were_not_taken(
    pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away between the message and its units."""
    phone = Phone()
    sender = Sending(pool, {"phone": phone.make}, day(3))
    test_id = want(pool)
    transaction = pool.transaction
    calls = iter([transaction])

    def once() -> AbstractContextManager[Cursor]:
        for call in calls:
            return call()
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(pool, "transaction", once)
        sender.step()
    sender.step()
    assert phone.submitted == []
    assert outcome(pool, test_id) == (Status.FAILED, None, "database_unavailable")


def test_a_sender_process_sends_test_messages_and_shows_itself(world: World) -> None:
    with world.sender():
        test_id = want(world.database, "simulated")
        wait_until(lambda: outcome(world.database, test_id)[0] is Status.SENT)
        assert outcome(world.database, test_id)[1] == f"sim-test-{test_id}"
        wait_until(lambda: world.rows(OWNED) == ((SHARDS,),))
    assert world.rows("SELECT COUNT(*) FROM sender_heartbeats") == ((0,),)
    assert world.counts() == {}
