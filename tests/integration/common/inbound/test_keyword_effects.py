"""Keywords of inbound messages: suppressions, their changes, and answers, on a real database."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.inbound.keyword_policy import (
    InboundProvider,
    KeywordPolicy,
    StopScope,
)
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.inbound.inbound_messages import insert_inbound
from campaign_common.store.inbound.keyword_effects import KeywordEffects, act_on_keywords
from campaign_common.store.messages.single_messages import take_single_messages
from campaign_common.store.suppressions.hashed_suppressions import HashedPerson, hash_suppressions
from campaign_common.store.suppressions.suppressions import (
    Suppression,
    add_suppressions,
    changes_of,
    put_suppression,
    remove_suppression,
    suppressions_of,
)
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.schemas import make_current

PHONE = "4915100000001"
OURS = "4915199990000"
NOON = datetime(2026, 1, 2, 12)  # noqa: DTZ001 - UTC, naive
MINUTE = timedelta(minutes=1)
TABLES = (
    "inbound_messages",
    "suppressions",
    "suppression_changes",
    "trial_messages",
    "answered_keywords",
    "suppression_hashes",
)
ANSWERS = {KeywordKind.STOP: "gone", KeywordKind.START: "back", KeywordKind.HELP: "help"}
ONE = InboundProvider(originator="Shop", takes_originator=True)
SILENT = KeywordPolicy(providers={"one": ONE})
ANSWERING = replace(SILENT, answers=ANSWERS, interval=3600.0)
BY_SENDER = replace(SILENT, stop_scope=StopScope.SENDER)


def said(keyword: str | None, id_: str = "1", **changes: Any) -> InboundMessage:  # noqa: ANN401
    """Return a message whose text is a keyword."""
    return InboundMessage(
        **{
            "provider": "one",
            "provider_message_id": id_,
            "phone": PHONE,
            "recipient": OURS,
            "text": keyword or "hello",
            "reported_at": NOON + MINUTE if keyword == "start" else NOON,
            "received_at": NOON,
            "keyword": None if keyword is None else KeywordKind(keyword),
            **changes,
        }
    )


class People:
    """Inbound messages on a database, and what has followed from them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def say(self, *messages: InboundMessage, policy: KeywordPolicy = SILENT) -> KeywordEffects:
        """Store messages as one request of a gateway."""
        return self.database.run(lambda c: act_on_keywords(c, insert_inbound(c, messages), policy))

    def change(self, work: Any) -> None:  # noqa: ANN401 - whatever a transaction does
        self.database.run(work)

    def scopes(self) -> list[tuple[str, str]]:
        """Return scope and source of the person's suppressions."""
        with self.database.reading() as cursor:
            return [(one.scope, one.source) for one in suppressions_of(cursor, PHONE)]

    def changes(self) -> list[tuple[str, bool, str]]:
        with self.database.reading() as cursor:
            found = changes_of(cursor, PHONE)
        return [(one.scope, one.is_added, one.actor) for one in found]

    def answers(self) -> list[tuple[str, str | None]]:
        """Take the answers that a sender would send, and return their texts and originators."""
        with self.database.transaction() as cursor:
            taken = take_single_messages(cursor, ["one"], 100)
        return [(one.rendered.body, one.originator) for one in taken]


@pytest.fixture(scope="module")
def pool(database_server: SchemaServer) -> Iterator[Database]:
    """One schema for all tests; `people` empties its tables."""
    with fresh_schema(database_server.dsn) as dsn:
        pool = Database(MysqlSettings(dsn=parse_dsn(dsn)))
        make_current(pool, 1)
        yield pool
        pool.close()


@pytest.fixture
def people(pool: Database) -> People:
    with pool.transaction() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table}")
    return People(pool)


def api(scope: str = "*", source: str = "api", until: datetime | None = None) -> Suppression:
    return Suppression(PHONE, scope, "letter", source, until=until)


def test_a_stop_suppresses_with_its_change(people: People) -> None:
    effects = people.say(said("stop"))
    assert [(one.phone, one.scope) for one in effects.stops] == [(PHONE, "*")]
    assert people.scopes() == [("*", "inbound")]
    assert people.changes() == [("*", True, "inbound message")]


def test_a_repeated_message_has_no_effect(people: People) -> None:
    """The gateway repeats a STOP whose 200 it has not seen, after the person has said START."""
    people.say(said("stop"), policy=ANSWERING)
    people.say(said("start", "2"), policy=ANSWERING)
    assert people.say(said("stop"), policy=ANSWERING) == KeywordEffects([], 0, 0)
    assert people.scopes() == []
    assert people.answers() == [("gone", OURS), ("back", OURS)]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(said("stop", is_unsure=True), id="unsure"),
        pytest.param(said(None), id="another-text"),
        pytest.param(said("stop", phone="A shop"), id="letters"),
        pytest.param(said("stop", phone="4" * 30), id="too-long"),
    ],
)
def test_other_messages_have_no_effect(people: People, message: InboundMessage) -> None:
    assert people.say(message, policy=ANSWERING) == KeywordEffects([], 0, 0)
    assert (people.scopes(), people.changes(), people.answers()) == ([], [], [])


def test_a_start_lifts_a_stop(people: People) -> None:
    people.say(said("stop"))
    assert people.say(said("start", "2")).lifted == 1
    assert people.scopes() == []
    assert people.changes()[1:] == [("*", False, "inbound message")]


def test_a_start_lifts_the_stop_of_its_number_alone(people: People) -> None:
    people.say(said("stop"), said("stop", "2", recipient="4915199990001"), policy=BY_SENDER)
    people.say(said("start", "3"), policy=SILENT)
    assert people.scopes() == [("sender:4915199990001", "inbound")]


@pytest.mark.parametrize(
    "add",
    [
        pytest.param(lambda c: put_suppression(c, api(), "key"), id="api"),
        pytest.param(lambda c: put_suppression(c, api(source="inbound"), "key"), id="as-if"),
        pytest.param(lambda c: add_suppressions(c, [api(source="one")], "sender"), id="answer"),
    ],
)
def test_a_start_lifts_nothing_else(people: People, add: Any) -> None:  # noqa: ANN401
    """Neither what was there, also with the same source, nor what has replaced a STOP since."""
    people.change(add)
    before = people.scopes()
    people.say(said("stop"))
    people.say(said("start", "2"))
    assert people.scopes() == before


def test_a_start_lifts_no_suppression_that_replaced_a_stop(people: People) -> None:
    people.say(said("stop"))
    people.change(lambda c: put_suppression(c, api(source="inbound"), "key"))
    people.say(said("start", "2"))
    assert people.scopes() == [("*", "inbound")]


def test_a_start_lifts_a_stop_that_the_provider_tells_of_too(people: People) -> None:
    people.say(said("stop"))
    people.change(lambda c: add_suppressions(c, [api(source="one")], "sender"))
    assert people.say(said("start", "2")).lifted == 1


def test_a_start_after_an_erasure_lifts_nothing(people: People) -> None:
    """An erasure takes the number from the changes, which say who has set a suppression."""
    people.say(said("stop"))
    people.change(lambda c: c.execute("UPDATE suppression_changes SET phone = ''"))
    people.say(said("start", "2"))
    assert people.scopes() == [("*", "inbound")]


def test_a_stop_takes_the_end_of_a_suppression_away(people: People) -> None:
    people.change(lambda c: put_suppression(c, api(until=NOON + timedelta(days=36_500)), "key"))
    people.say(said("stop"))
    people.say(said("start", "2"))
    assert people.scopes() == [("*", "api")]
    with people.database.reading() as cursor:
        assert suppressions_of(cursor, PHONE)[0].until is None


def test_a_stop_replaces_a_suppression_that_is_over(people: People) -> None:
    people.change(lambda c: put_suppression(c, api(until=NOON), "key"))
    people.say(said("stop"))
    with people.database.reading() as cursor:
        (found,) = suppressions_of(cursor, PHONE)
    assert (found.source, found.reason, found.until) == ("inbound", "stop", None)
    assert found.since is not None
    assert found.since > NOON
    assert people.say(said("start", "2")).lifted == 1


def test_an_older_start_that_comes_later_lifts_nothing(people: People) -> None:
    people.say(said("stop", reported_at=NOON), policy=ANSWERING)
    people.say(said("start", "2", reported_at=NOON - MINUTE), policy=ANSWERING)
    assert people.scopes() == [("*", "inbound")]
    assert people.answers() == [("gone", OURS)]
    people.say(said("start", "3", reported_at=NOON), policy=ANSWERING)
    assert people.scopes() == [("*", "inbound")]
    people.say(said("start", "4", reported_at=NOON + MINUTE), policy=ANSWERING)
    assert people.scopes() == []


def test_a_start_heeds_stops_that_came_through_others(people: People) -> None:
    people.say(said("stop", provider="two", reported_at=None, received_at=NOON + MINUTE))
    people.say(said("start", "2", reported_at=NOON))
    assert people.scopes() == [("*", "inbound")]


@pytest.mark.parametrize(("minutes", "is_void"), [(-1, True), (0, True), (9, True), (10, False)])
def test_a_start_without_a_time_is_void_after_a_stop(
    people: People, minutes: int, is_void: bool
) -> None:
    """Its gateway may repeat it, and the person may have said it before."""
    people.say(said("stop", reported_at=None))
    received_at = NOON + minutes * MINUTE
    people.say(said("start", "2", reported_at=None, received_at=received_at), policy=ANSWERING)
    assert bool(people.scopes()) is is_void
    with people.database.reading() as cursor:
        cursor.execute("SELECT is_unsure FROM inbound_messages WHERE keyword = 'start'")
        assert cursor.fetchone() == (int(is_void),)
    assert people.answers() == ([] if is_void else [("back", OURS)])


def test_a_start_waits_for_a_stop_that_is_not_committed(people: People) -> None:
    """The STOP was said later, and is acknowledged while the START waits."""
    people.say(said("stop", "0", reported_at=NOON - MINUTE))
    with people.database.transaction() as stopping:
        later = insert_inbound(stopping, [said("stop", "2", reported_at=NOON + MINUTE)])
        act_on_keywords(stopping, later, SILENT)
        thread = threading.Thread(target=people.say, args=(said("start", "3", reported_at=NOON),))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(30)
    assert people.scopes() == [("*", "inbound")]


def test_a_stop_before_a_void_start_is_among_the_effects(people: People) -> None:
    effects = people.say(
        said("stop", reported_at=None),
        said("start", "2", reported_at=None, received_at=NOON + MINUTE),
    )
    assert ([one.phone for one in effects.stops], effects.lifted) == ([PHONE], 0)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(
            said("stop", "2", reported_at=NOON),
            said("start", "1", reported_at=NOON + MINUTE),
            [],
            id="start-is-later",
        ),
        pytest.param(
            said("start", "2", reported_at=NOON),
            said("stop", "1", reported_at=NOON + MINUTE),
            [("*", "inbound")],
            id="stop-is-later",
        ),
        pytest.param(
            said("stop", "2", reported_at=NOON),
            said("start", "3", reported_at=NOON),
            [("*", "inbound")],
            id="same-moment",
        ),
    ],
)
def test_of_one_request_the_latest_keyword_counts(
    people: People,
    first: InboundMessage,
    second: InboundMessage,
    expected: list[tuple[str, str]],
) -> None:
    people.say(second, first)
    assert people.scopes() == expected


def test_a_person_is_answered_once_within_the_interval(people: People) -> None:
    """So two machines that answer each other come to an end."""
    for n in range(3):
        people.say(said("help", f"h{n}"), said("stop", f"s{n}"), policy=ANSWERING)
    assert sorted(people.answers()) == [("gone", OURS), ("help", OURS)]
    people.change(
        lambda c: c.execute(
            "UPDATE answered_keywords SET answered_at = NOW(6) - INTERVAL 3601 SECOND"
        )
    )
    people.say(said("help", "h9"), policy=ANSWERING)
    assert people.answers() == [("help", OURS)]


def test_answers_at_the_same_time_are_one(people: People) -> None:
    """Two processes take in two messages of a person."""
    begin = threading.Barrier(4)

    def say(n: int) -> None:
        begin.wait()
        people.say(said("help", f"h{n}"), policy=ANSWERING)

    threads = [threading.Thread(target=say, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert people.answers() == [("help", OURS)]


def test_start_is_not_answered_while_another_suppression_stays(people: People) -> None:
    people.change(lambda c: put_suppression(c, api(), "key"))
    people.say(said("start"), policy=ANSWERING)
    assert people.answers() == []
    people.change(lambda c: remove_suppression(c, PHONE, "*", "key"))
    people.say(said("start", "2"), policy=ANSWERING)
    assert people.answers() == []
    people.say(said("stop", "3"))
    people.say(said("start", "4"), policy=ANSWERING)
    assert people.answers() == [("back", OURS)]


def test_start_is_not_answered_while_a_hash_stays(people: People) -> None:
    person = HashedPerson("k" * 16, b"h" * 8)
    people.change(lambda c: put_suppression(c, api(), "key"))
    people.change(lambda c: hash_suppressions(c, PHONE, person))
    people.say(said("stop"))
    start = [said("start", "2")]
    people.change(
        lambda c: act_on_keywords(c, insert_inbound(c, start), ANSWERING, lambda _: [person])
    )
    assert (people.scopes(), people.answers()) == ([], [])


def test_an_answer_is_unseen_by_senders_of_before(people: People) -> None:
    """By those of 0.2.0, and by those that look for other content, too."""
    people.say(said("stop"), policy=ANSWERING)
    with people.database.reading() as cursor:
        for provider in ("provider", "COALESCE(content_provider, provider)"):
            cursor.execute(f"SELECT COUNT(*) FROM trial_messages WHERE {provider} = 'one'")
            assert cursor.fetchone() == (0,)
    assert people.answers() == [("gone", OURS)]


def test_nothing_stays_of_a_transaction_that_is_rolled_back(people: People) -> None:
    def fail(cursor: Cursor) -> None:
        act_on_keywords(cursor, insert_inbound(cursor, [said("stop")]), ANSWERING)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        people.change(fail)
    assert (people.scopes(), people.answers()) == ([], [])
    people.say(said("stop"), policy=ANSWERING)
    assert (people.scopes(), people.answers()) == ([("*", "inbound")], [("gone", OURS)])
