"""Promises of the pool about sessions, transactions and repeating them."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pymysql.err import IntegrityError

from campaign_common.database import Cursor, Database, named_lock
from campaign_common.dsn import Dsn
from campaign_common.errors import (
    CommitUnknown,
    DatabaseContended,
    DatabaseFull,
    DatabaseRefused,
    DatabaseUnavailable,
    LockBusy,
)
from tests.integration.common.conftest import Make, eventually, in_transaction, one, read
from tests.support.servers.tcp_proxy import TcpProxy

COUNT = "SELECT COUNT(*) FROM notes"


def insert(cursor: Cursor, number: int, text: str = "x") -> None:
    cursor.execute("INSERT INTO notes VALUES (%s, %s)", (number, text))


def test_sessions_are_prepared_the_same_on_every_server(make: Make) -> None:
    with make().reading() as cursor:
        sql_mode = str(one(cursor, "SELECT @@sql_mode"))
        assert {"STRICT_TRANS_TABLES", "NO_ENGINE_SUBSTITUTION"} <= set(sql_mode.split(","))
        assert one(cursor, "SELECT @@time_zone") == "+00:00"
        assert one(cursor, "SELECT @@character_set_connection") == "utf8mb4"
        assert one(cursor, "SELECT @@collation_connection") == "utf8mb4_bin"
        assert one(cursor, "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())") == 0


def test_a_transaction_commits_at_its_end_or_rolls_back(notes: Database) -> None:
    """A transaction commits at its end and rolls back when it raises."""
    with notes.transaction() as cursor:
        insert(cursor, 1)

    def fail(cursor: Cursor) -> None:
        insert(cursor, 2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_transaction(notes, fail)
    assert read(notes, COUNT) == 1


def test_transactions_are_read_committed(notes: Database) -> None:
    with notes.transaction() as first:
        assert one(first, COUNT) == 0
        with notes.transaction() as second:
            insert(second, 1)
            assert one(first, COUNT) == 0
        assert one(first, COUNT) == 1


def test_reading_sees_what_was_committed_meanwhile(notes: Database) -> None:
    with notes.reading() as reading:
        assert one(reading, COUNT) == 0
        with notes.transaction() as cursor:
            insert(cursor, 1)
        assert one(reading, COUNT) == 1


def test_a_transaction_begun_by_hand_does_not_outlive_reading(notes: Database) -> None:
    with notes.reading() as cursor:
        cursor.execute("BEGIN")
        insert(cursor, 1)
    assert read(notes, COUNT) == 0


def test_what_is_wrong_with_a_statement_passes_as_it_is(notes: Database) -> None:
    def insert_twice(cursor: Cursor) -> None:
        insert(cursor, 1)
        insert(cursor, 1)

    with pytest.raises(IntegrityError):
        in_transaction(notes, insert_twice)
    assert read(notes, COUNT) == 0


def test_text_that_does_not_fit_is_refused_and_not_cut(notes: Database) -> None:
    with pytest.raises(Exception, match="Data too long"), notes.transaction() as cursor:
        insert(cursor, 1, "x" * 21)


def test_five_thousand_rows_are_one_statement(notes: Database) -> None:
    rows = [(number, "x" * 20) for number in range(5_000)]
    with notes.transaction() as cursor:
        cursor.executemany("INSERT INTO notes VALUES (%s, %s)", rows)
        cursor.execute("SHOW SESSION STATUS LIKE 'Com_insert'")
        assert cursor.fetchone() == ("Com_insert", "1")
    assert read(notes, COUNT) == 5_000


def test_run_repeats_after_a_deadlock(notes: Database) -> None:
    with notes.transaction() as cursor:
        insert(cursor, 1)
        insert(cursor, 2)
    both_hold_one = threading.Barrier(2)
    attempts = []

    def update(first: int, second: int) -> None:
        tried = []

        def work(cursor: Cursor) -> None:
            attempts.append(first)
            tried.append(first)
            cursor.execute("UPDATE notes SET text = 'y' WHERE id = %s", (first,))
            if len(tried) == 1:
                both_hold_one.wait(timeout=10)
            cursor.execute("UPDATE notes SET text = %s WHERE id = %s", (f"by {first}", second))

        notes.run(work)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(update, 1, 2), threads.submit(update, 2, 1)]:
            done.result(timeout=30)
    assert len(attempts) >= 3


def test_run_outlasts_a_lock_that_is_released_in_time(notes: Database, make: Make) -> None:
    with notes.transaction() as cursor:
        insert(cursor, 1)
    impatient = make(exec_timeout=2.0)  # waits a second for a lock
    attempts = []

    def work(waiting: Cursor) -> None:
        attempts.append(1)
        waiting.execute("UPDATE notes SET text = 'late' WHERE id = 1")

    with ThreadPoolExecutor(1) as threads:
        with notes.transaction() as holder:
            holder.execute("UPDATE notes SET text = 'held' WHERE id = 1")
            done = threads.submit(impatient.run, work)
            eventually(lambda: len(attempts) > 1)
        done.result(timeout=10)
    assert read(notes, "SELECT text FROM notes") == "late"


def test_run_gives_up_on_a_lock_that_stays(notes: Database, make: Make) -> None:
    with notes.transaction() as cursor:
        insert(cursor, 1)
    impatient = make(exec_timeout=2.0, tran_timeout=1.0)
    with notes.transaction() as holder:
        holder.execute("UPDATE notes SET text = 'held' WHERE id = 1")
        with pytest.raises((DatabaseContended, DatabaseUnavailable)):
            impatient.run(lambda cursor: cursor.execute("UPDATE notes SET text = 'late'"))


def test_run_repeats_when_the_connection_breaks_before_commit(notes: Database) -> None:
    attempts = []

    def work(cursor: Cursor) -> None:
        attempts.append(1)
        insert(cursor, 1)
        if len(attempts) == 1:
            kill(notes, one(cursor, "SELECT CONNECTION_ID()"))
        insert(cursor, 2)

    notes.run(work)
    assert len(attempts) == 2
    assert read(notes, COUNT) == 2


def test_a_broken_transaction_is_never_half_done(notes: Database) -> None:
    def lose_the_connection_between(cursor: Cursor) -> None:
        insert(cursor, 1)
        kill(notes, one(cursor, "SELECT CONNECTION_ID()"))
        insert(cursor, 2)

    with pytest.raises(DatabaseUnavailable):
        in_transaction(notes, lose_the_connection_between)
    assert read(notes, COUNT) == 0


@pytest.mark.parametrize("way", ["transaction", "reading"])
def test_connections_that_died_unused_are_replaced_unnoticed(
    notes: Database, make: Make, way: str
) -> None:
    database = make(active=1)
    for _ in range(2):
        with database.transaction() if way == "transaction" else database.reading() as cursor:
            number = one(cursor, "SELECT CONNECTION_ID()")
        kill(notes, number)


@pytest.mark.parametrize("committed", [True, False])
def test_a_lost_answer_to_commit_is_never_repeated(
    notes: Database, make: Make, dsn: Dsn, proxy: TcpProxy, committed: bool
) -> None:
    database = make(dsn=replace(dsn, port=proxy.port))
    attempts = []

    def work(cursor: Cursor) -> None:
        attempts.append(1)
        insert(cursor, 1)

    database.ping()
    proxy.cut_once_at(b"COMMIT", forward_first=committed)
    with pytest.raises(CommitUnknown):
        database.run(work)
    assert len(attempts) == proxy.cuts == 1
    expected = int(committed)
    eventually(lambda: read(notes, COUNT) == expected)
    database.ping()


def test_an_unreachable_server_is_unavailable(make: Make, dsn: Dsn) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        database = make(dsn=replace(dsn, port=deaf.getsockname()[1]), tran_timeout=0.2)
        with pytest.raises(DatabaseUnavailable):
            database.ping()
        with pytest.raises(DatabaseUnavailable):
            database.run(lambda cursor: cursor.execute("SELECT 1"))


def test_wrong_credentials_and_schemas_are_refused(make: Make, dsn: Dsn) -> None:
    with pytest.raises(DatabaseRefused):
        make(dsn=replace(dsn, user="nobody", password="hidden")).ping()
    with pytest.raises(DatabaseRefused):
        make(dsn=replace(dsn, database="camp_that_is_not_there")).ping()


def test_a_full_table_is_full(make: Make, dsn: Dsn) -> None:
    small = replace(dsn.parameters, system_variables=(("max_heap_table_size", "16384"),))
    database = make(dsn=replace(dsn, parameters=small))
    with database.reading() as cursor:
        cursor.execute("CREATE TABLE small (text CHAR(250) NOT NULL) ENGINE=MEMORY")
    rows = [("x",)] * 1_000
    with pytest.raises(DatabaseFull), database.transaction() as cursor:
        cursor.executemany("INSERT INTO small VALUES (%s)", rows)


def test_a_named_lock_has_one_holder(notes: Database) -> None:
    with named_lock(notes, "work", wait=0):
        with pytest.raises(LockBusy), named_lock(notes, "work", wait=0):
            pytest.fail("two holders")
        with named_lock(notes, "other", wait=0):
            pass
    with named_lock(notes, "work", wait=0):
        pass


def test_a_named_lock_outlasts_the_silence_of_its_holder(notes: Database) -> None:
    with named_lock(notes, "work", wait=0):
        threading.Event().wait(4.0)  # MySQL ends a silent session of these limits after 3 s
        with pytest.raises(LockBusy), named_lock(notes, "work", wait=0):
            pytest.fail("two holders")


def test_a_socket_serves_as_well(make: Make, notes: Database, dsn: Dsn) -> None:
    path = str(read(notes, "SELECT @@socket"))
    by_socket = make(dsn=replace(dsn, protocol="unix", socket=path))
    assert read(by_socket, COUNT) == 0


def kill(database: Database, connection: object) -> None:
    """End a connection, and wait until the server has."""
    with database.reading() as cursor:
        cursor.execute(f"KILL {connection}")

    def gone() -> bool:
        with database.reading() as cursor:
            cursor.execute("SHOW PROCESSLIST")
            return connection not in {row[0] for row in cursor.fetchall()}

    eventually(gone)
