import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.dsn import Dsn, parse_dsn
from campaign_common.settings import MysqlSettings
from tests.support.servers.tcp_proxy import TcpProxy

Make = Callable[..., Database]


@pytest.fixture
def dsn(database: str) -> Dsn:
    return parse_dsn(database)


@pytest.fixture
def make(dsn: Dsn) -> Iterator[Make]:
    """Make databases with settings of one's own, closed at the end."""
    with ExitStack() as stack:

        def make(**changes: object) -> Database:
            made = Database(replace(MysqlSettings(dsn=dsn), **changes))  # type: ignore[arg-type]
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def notes(make: Make) -> Database:
    """A database with an empty table `notes`."""
    made = make()
    with made.reading() as cursor:
        cursor.execute("CREATE TABLE notes (id INT PRIMARY KEY, text VARCHAR(20) NOT NULL)")
    return made


@pytest.fixture
def proxy(dsn: Dsn) -> Iterator[TcpProxy]:
    with TcpProxy((dsn.host, dsn.port)) as proxy:
        yield proxy


def one(cursor: Cursor, sql: str) -> object:
    cursor.execute(sql)
    row = cursor.fetchone()
    assert row is not None
    return row[0]


def read(database: Database, sql: str) -> object:
    with database.reading() as cursor:
        return one(cursor, sql)


def in_transaction(database: Database, work: Callable[[Cursor], object]) -> None:
    with database.transaction() as cursor:
        work(cursor)


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)
