"""inbound_messages: each message once, however often it comes, and what is found and deleted."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from campaign_common.database import Database
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.inbound import inbound_listing, inbound_messages
from campaign_common.store.inbound.inbound_listing import (
    InboundFilter,
    InboundPosition,
    read_inbound,
)
from campaign_common.store.inbound.inbound_messages import (
    StoredInbound,
    delete_inbound_of,
    delete_old_inbound,
)
from campaign_common.store.inbound.inbound_writer import InboundWriter
from tests.support.inbound import NOW, PERSON, inbound
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.schemas import make_current

WRITERS = 4
OTHER = "4917612345679"
EVERYTHING = InboundFilter()


@pytest.fixture(scope="module")
def shared_database(database_server: SchemaServer) -> Iterator[Database]:
    with fresh_schema(database_server.dsn) as dsn:
        database = Database(MysqlSettings(dsn=parse_dsn(dsn), active=WRITERS))
        make_current(database, 1)
        yield database
        database.close()


@pytest.fixture
def database(shared_database: Database) -> Database:
    with shared_database.transaction() as cursor:
        cursor.execute("DELETE FROM inbound_messages")
    return shared_database


@pytest.fixture
def writer(database: Database) -> InboundWriter:
    return InboundWriter(database)


def found(
    database: Database, wanted: InboundFilter = EVERYTHING, limit: int = 100
) -> list[StoredInbound]:
    with database.reading() as cursor:
        return read_inbound(cursor, wanted, None, limit).rows


def texts(stored: Sequence[StoredInbound]) -> list[str]:
    return [each.message.text for each in stored]


def test_what_is_stored_is_read_again(database: Database, writer: InboundWriter) -> None:
    message = inbound(
        text="STOP \U0001f600 'or\" \\ not\n",
        keyword=KeywordKind.STOP,
        is_unsure=True,
        reported_at=NOW - timedelta(microseconds=1),
    )
    plain = inbound("2", recipient=None, received_at=NOW - timedelta(seconds=1))
    stored = writer.write([message, plain])
    assert [each.message for each in stored] == [message, plain]
    assert found(database) == stored
    assert writer.write([]) == ()


def test_a_message_is_stored_once(database: Database, writer: InboundWriter) -> None:
    """In the same request, in a later one, and beside new ones; ids are those of a provider."""
    (first,) = writer.write([inbound("1"), inbound("1", text="again")])
    assert writer.write([inbound("1")]) == []
    others = writer.write([inbound("1", provider="other"), inbound("1"), inbound("0")])
    assert [each.message.provider_message_id for each in others] == ["0", "1"]
    assert len({first.id, *(each.id for each in others)}) == 3
    assert len(found(database)) == 3


@pytest.mark.parametrize(
    ("later", "is_new"),
    [
        pytest.param(timedelta(seconds=1), False, id="at once"),
        pytest.param(timedelta(minutes=4), False, id="in the next slot"),
        pytest.param(timedelta(minutes=5), True, id="five minutes later"),
        pytest.param(timedelta(days=1), True, id="a day later"),
    ],
)
def test_a_text_without_id_and_time_is_repeated_for_a_while(
    writer: InboundWriter, later: timedelta, is_new: bool
) -> None:
    writer.write([inbound("", received_at=NOW)])
    again = writer.write([inbound("", received_at=NOW + later)])
    assert bool(again) is is_new


def test_writers_at_once_store_each_message_once(database: Database, writer: InboundWriter) -> None:
    """Webhooks that are repeated while the first one waits: one of them acts on each message."""
    stored: list[StoredInbound] = []
    begin = threading.Barrier(WRITERS)

    def write(messages: list[InboundMessage]) -> None:
        begin.wait(10)
        for start in range(0, len(messages), 10):
            stored.extend(writer.write(messages[start : start + 10]))

    messages = [inbound(str(n)) for n in range(100)]
    orders = [messages[n:] + messages[:n] for n in range(WRITERS)]
    threads = [threading.Thread(target=write, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ids = sorted(each.message.provider_message_id for each in stored)
    assert ids == sorted(str(n) for n in range(100))
    assert sorted(each.id for each in stored) == sorted(each.id for each in found(database))


def test_many_messages_take_several_statements(
    database: Database, writer: InboundWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_messages, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(inbound_messages, "MOST_LISTED", 3)
    assert len(writer.write([inbound(str(n)) for n in range(7)])) == 7
    assert writer.write([inbound(str(n)) for n in range(8)])[0].message == inbound("7")
    assert len(found(database)) == 8


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(InboundFilter(), ["d", "c", "b", "a"], id="all"),
        pytest.param(InboundFilter(phone=PERSON), ["d", "b", "a"], id="of a person"),
        pytest.param(InboundFilter(unsure=True), ["d", "c"], id="unsure"),
        pytest.param(InboundFilter(unsure=False), ["b", "a"], id="sure"),
        pytest.param(InboundFilter(phone=PERSON, unsure=True), ["d"], id="unsure of a person"),
        pytest.param(InboundFilter(keyword=KeywordKind.STOP), ["d", "b"], id="by keyword"),
        pytest.param(InboundFilter(provider="other"), ["c"], id="by provider"),
        pytest.param(InboundFilter(since=NOW + timedelta(seconds=2)), ["d", "c"], id="since"),
        pytest.param(
            InboundFilter(keyword=KeywordKind.STOP, unsure=True, since=NOW), ["d"], id="together"
        ),
    ],
)
def test_filters(
    database: Database, writer: InboundWriter, wanted: InboundFilter, expected: list[str]
) -> None:
    stop = KeywordKind.STOP
    writer.write(
        [
            inbound("4", text="a"),
            inbound("3", text="b", keyword=stop),
            inbound("2", text="c", phone=OTHER, provider="other", is_unsure=True),
            inbound("1", text="d", keyword=stop, is_unsure=True),
        ]
    )
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE inbound_messages SET received_at = received_at + INTERVAL (4 -"
            " CAST(provider_message_id AS UNSIGNED)) SECOND"
        )
    assert texts(found(database, wanted)) == expected


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(EVERYTHING, id="all"),
        pytest.param(InboundFilter(phone=PERSON), id="of a person"),
        pytest.param(InboundFilter(provider="gateway"), id="read through"),
    ],
)
def test_pages_have_each_message_once(
    database: Database,
    writer: InboundWriter,
    wanted: InboundFilter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Messages that came at the same time follow each other by their ids."""
    writer.write(
        [inbound(f"{n:02}", text=str(n), provider="x" if n % 4 else "gateway") for n in range(20)]
    )
    expected = texts(found(database, wanted))
    monkeypatch.setattr(inbound_listing, "SCANNED_AT_ONCE", 5)
    pages: list[list[str]] = []
    position: InboundPosition | None = None
    with database.reading() as cursor:
        while True:
            page = read_inbound(cursor, wanted, position, 3)
            pages.append(texts(page.rows))
            position = page.next
            if position is None:
                break
    got = [text for page in pages for text in page]
    assert got == expected
    assert max(map(len, pages)) <= 3


def test_messages_of_a_person_are_deleted_some_at_a_time(
    database: Database, writer: InboundWriter
) -> None:
    writer.write([inbound(str(n)) for n in range(5)] + [inbound("6", phone=OTHER)])
    deleted = [database.run(lambda cursor: delete_inbound_of(cursor, [PERSON], 3)) for _ in "123"]
    assert deleted == [3, 2, 0]
    assert [each.message.phone for each in found(database)] == [OTHER]


def test_messages_are_deleted_after_their_time(database: Database, writer: InboundWriter) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    ages = {"old": 100, "older": 200, "young": 10}
    writer.write(
        [
            inbound(name, text=name, received_at=now - timedelta(minutes=minutes))
            for name, minutes in ages.items()
        ]
    )
    deleted = database.run(lambda cursor: delete_old_inbound(cursor, 3_600, 10))
    assert (deleted, texts(found(database))) == (2, ["young"])
