"""A client that falls silent in the middle of a transaction must not keep its locks."""

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.errors import DatabaseUnavailable, RetryLater
from tests.integration.common.conftest import Make, eventually, in_transaction

LOCK = "SELECT text FROM notes WHERE id = 1 FOR UPDATE"


def can_lock(database: Database) -> bool:
    try:
        with database.transaction() as cursor:
            cursor.execute(LOCK)
    except RetryLater:
        return False
    return True


def test_the_locks_of_a_silent_client_go_to_the_next(make: Make, notes: Database) -> None:
    with notes.transaction() as cursor:
        cursor.execute("INSERT INTO notes VALUES (1, 'a')")
    silent, next_one = make(tran_timeout=1.0), make()

    def fall_silent(cursor: Cursor) -> None:
        cursor.execute("UPDATE notes SET text = 'b' WHERE id = 1")
        eventually(lambda: can_lock(next_one), seconds=15.0)
        cursor.execute(LOCK)

    with pytest.raises(DatabaseUnavailable):
        in_transaction(silent, fall_silent)
    with next_one.reading() as cursor:
        cursor.execute("SELECT text FROM notes")
        assert cursor.fetchone() == ("a",)
