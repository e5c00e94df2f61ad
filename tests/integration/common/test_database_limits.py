"""The pool sizes and timeouts of the Mysql section, each shown at work."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.database.limits import GRACE
from campaign_common.database.session import Session
from campaign_common.dsn import Dsn
from campaign_common.errors import (
    CommitUnknown,
    ConnectionsExhausted,
    DatabaseTimeout,
    DatabaseUnavailable,
)
from tests.integration.common.conftest import Make, eventually, in_transaction, one, read
from tests.support.servers.tcp_proxy import TcpProxy

CONNECTION = "SELECT CONNECTION_ID()"
ENDLESS_SELECT = """
SELECT COUNT(*) FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b,
information_schema.COLLATIONS c, information_schema.COLLATIONS d
"""
LONG_WRITE = "INSERT INTO notes SELECT 1, SLEEP(12)"
"""Longer than any of the times that end it, with the margin."""
MARGIN = 8.0
"""Seconds for a busy machine."""


@contextmanager
def taking(at_least: float, at_most: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    took = time.monotonic() - begun
    assert at_least <= took <= at_most + MARGIN


def connections_to(database: Database, name: str) -> int:
    with database.reading() as cursor:
        cursor.execute("SHOW PROCESSLIST")
        return sum(row[3] == name for row in cursor.fetchall()) - 1


def test_active_bounds_the_connections(make: Make) -> None:
    database = make(active=2, tran_timeout=0.3)
    too_many = pytest.raises(ConnectionsExhausted, match="all 2 connections")
    with database.reading(), database.reading(), taking(0.3, 0.3), too_many:
        database.ping()
    database.ping()


def test_a_connection_given_back_goes_to_whoever_waits(make: Make) -> None:
    database = make(active=1)
    with ThreadPoolExecutor(1) as threads:
        with database.reading():
            waiting = threads.submit(database.ping)
        with taking(0, 0):
            waiting.result(timeout=10)


def test_idle_bounds_what_stays_open(make: Make, dsn: Dsn) -> None:
    watcher, database = make(active=1), make(active=4, idle=2)
    with ExitStack() as stack:
        for _ in range(4):
            one(stack.enter_context(database.reading()), "SELECT 1")
        assert connections_to(watcher, dsn.database) == 4
    eventually(lambda: connections_to(watcher, dsn.database) == 2)


def test_idle_zero_keeps_none(make: Make, dsn: Dsn) -> None:
    watcher, database = make(active=1), make(active=2, idle=0)
    database.ping()
    eventually(lambda: connections_to(watcher, dsn.database) == 0)


def test_a_connection_is_used_again_until_idle_timeout(make: Make) -> None:
    database = make(active=1, idle_timeout=60.0)
    assert read(database, CONNECTION) == read(database, CONNECTION)
    database = make(active=1, idle_timeout=0.05)
    first = read(database, CONNECTION)
    threading.Event().wait(0.1)
    assert read(database, CONNECTION) != first


def test_query_timeout_ends_a_select(make: Make) -> None:
    database = make(query_timeout=0.5, exec_timeout=30.0, tran_timeout=30.0)
    with taking(0.4, 0.5 + GRACE), pytest.raises(DatabaseTimeout):
        read(database, ENDLESS_SELECT)
    database.ping()


def test_exec_timeout_ends_a_write(make: Make, notes: Database) -> None:
    database = make(query_timeout=0.5, exec_timeout=0.5, tran_timeout=30.0)
    with taking(0.4, 0.5 + GRACE), pytest.raises(DatabaseTimeout):
        in_transaction(database, lambda cursor: cursor.execute(LONG_WRITE))
    assert read(notes, "SELECT COUNT(*) FROM notes") == 0


def test_tran_timeout_bounds_a_single_statement_too(make: Make, notes: Database) -> None:
    database = make(query_timeout=30.0, exec_timeout=30.0, tran_timeout=0.5)
    with taking(0.4, 0.5 + GRACE), pytest.raises(DatabaseTimeout):
        in_transaction(database, lambda cursor: cursor.execute(LONG_WRITE))


def test_tran_timeout_ends_a_transaction_of_short_statements(make: Make, notes: Database) -> None:
    database = make(tran_timeout=0.5)

    def insert_for_long(cursor: Cursor) -> None:
        for number in range(1_000_000):
            cursor.execute("INSERT INTO notes VALUES (%s, 'x')", (number,))

    with taking(0.4, 0.5 + GRACE), pytest.raises(DatabaseTimeout, match="TranTimeout"):
        in_transaction(database, insert_for_long)
    assert read(notes, "SELECT COUNT(*) FROM notes") == 0


def test_a_transaction_that_is_late_for_commit_does_not_commit(make: Make, notes: Database) -> None:
    database = make(tran_timeout=0.2)

    def dawdle(cursor: Cursor) -> None:
        cursor.execute("INSERT INTO notes VALUES (1, 'x')")
        threading.Event().wait(0.3)

    with pytest.raises(DatabaseTimeout, match="TranTimeout"):
        in_transaction(database, dawdle)
    assert read(notes, "SELECT COUNT(*) FROM notes") == 0


def test_a_lent_connection_has_nothing_of_the_last_borrower(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next borrower of a connection waits for nothing that the one before asked for."""
    sent = []
    query = Session.query

    def noticed(session: Session, sql: str, unbuffered: bool = False) -> int:
        sent.append(sql)
        return query(session, sql, unbuffered)

    monkeypatch.setattr(Session, "query", noticed)
    database = make(active=1)
    with database.reading(timeout=30.0) as cursor:
        one(cursor, "SELECT 1")
    sent.clear()
    assert read(database, "SELECT @@innodb_lock_wait_timeout") == 2
    assert sent == ["SELECT @@innodb_lock_wait_timeout"]


def test_a_longer_time_may_be_asked_for_and_ends_with_the_block(make: Make) -> None:
    database = make(active=1, query_timeout=0.3, exec_timeout=0.3, tran_timeout=0.3)
    with taking(0.7, 0.8), database.reading(timeout=30.0) as cursor:
        cursor.execute("DO SLEEP(0.8)")
    with taking(0.7, 0.8), database.transaction(timeout=30.0) as cursor:
        cursor.execute("DO SLEEP(0.8)")
    with taking(0.2, 0.3 + GRACE), pytest.raises(DatabaseTimeout):
        read(database, ENDLESS_SELECT)


@pytest.mark.parametrize("way", ["connect", "begin", "statement", "commit"])
def test_a_server_that_hangs_never_hangs_the_caller(
    make: Make, dsn: Dsn, proxy: TcpProxy, way: str
) -> None:
    through = replace(dsn, port=proxy.port, parameters=replace(dsn.parameters, connect_timeout=0.5))
    database = make(dsn=through, active=1, query_timeout=0.5, exec_timeout=0.5, tran_timeout=1.0)
    if way != "connect":
        database.ping()
    if way in {"connect", "begin"}:
        proxy.hang()

    def hang_midway(cursor: Cursor) -> None:
        if way == "statement":
            proxy.hang()
        cursor.execute("SELECT 1")
        if way == "commit":
            proxy.hang()

    expected = CommitUnknown if way == "commit" else DatabaseUnavailable
    with taking(0.4, 3.0), pytest.raises(expected):
        in_transaction(database, hang_midway)
    proxy.flow()
    database.ping()


def test_connections_lent_and_waits_in_vain_are_counted(make: Make) -> None:
    database = make(active=2, tran_timeout=0.3)
    with database.reading():
        assert (database.in_use, database.exhausted) == (1, 0)
        with database.reading():
            assert database.in_use == 2
            with pytest.raises(ConnectionsExhausted), database.reading():
                pass
    assert (database.in_use, database.exhausted) == (0, 1)
