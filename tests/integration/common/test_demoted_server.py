"""A server that becomes read-only while connections to it are open."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from secrets import token_hex

import pymysql
import pytest

from campaign_common.database import Database, Proof
from campaign_common.dsn import Dsn, DsnParameters, parse_dsn
from campaign_common.errors import DatabaseDemoted
from campaign_common.settings import MysqlSettings
from tests.integration.common.conftest import in_transaction, one
from tests.support.waiting import wait_until


class Demotable:
    """A schema, an account without special rights, and means to have the server take no writes."""

    def __init__(self, dsn: Dsn) -> None:
        self.root = pymysql.connect(
            host=dsn.host, port=dsn.port, user=dsn.user, database=dsn.database, autocommit=True
        )
        self.user = f"u{token_hex(4)}"
        self.dsn = replace(dsn, user=self.user, password="secret")
        self.is_mariadb = "MariaDB" in self.root.server_version
        self.execute(f"CREATE USER {self.user}@'127.0.0.1' IDENTIFIED BY 'secret'")
        self.execute(f"GRANT ALL ON {dsn.database}.* TO {self.user}@'127.0.0.1'")
        self.execute("CREATE TABLE notes (id INT PRIMARY KEY)")

    def execute(self, sql: str) -> tuple[tuple[object, ...], ...]:
        with self.root.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def demote(self) -> None:
        self.execute(f"SET GLOBAL {'read_only' if self.is_mariadb else 'super_read_only'} = 1")

    def promote(self) -> None:
        if not self.is_mariadb:
            self.execute("SET GLOBAL super_read_only = 0")
        self.execute("SET GLOBAL read_only = 0")

    def connections(self) -> int:
        """Number of connections that the account has."""
        return sum(row[1] == self.user for row in self.execute("SHOW PROCESSLIST"))

    def drop(self) -> None:
        self.promote()
        self.execute(f"DROP USER {self.user}@'127.0.0.1'")
        self.root.close()


@pytest.fixture
def server(database: str) -> Iterator[Demotable]:
    server = Demotable(parse_dsn(database))
    yield server
    server.drop()


@pytest.fixture
def pool(server: Demotable) -> Iterator[Database]:
    with closing(Database(MysqlSettings(dsn=server.dsn))) as pool:
        yield pool


def hold(pool: Database, sessions: int) -> None:
    """Have so many connections open and idle."""
    if sessions:
        with pool.transaction() as cursor:
            one(cursor, "SELECT COUNT(*) FROM notes")
            hold(pool, sessions - 1)


def write(pool: Database) -> None:
    in_transaction(pool, lambda cursor: cursor.execute("DELETE FROM notes"))


def test_idle_connections_go_with_the_first_refused_write(
    server: Demotable, pool: Database
) -> None:
    """One refusal ends every connection of the pool; the next use makes a new one."""
    hold(pool, 3)
    assert server.connections() == 3
    server.demote()
    with pytest.raises(DatabaseDemoted):
        write(pool)
    wait_until(lambda: server.connections() == 0)
    server.promote()
    write(pool)
    wait_until(lambda: server.connections() == 1)


def test_a_connection_in_use_goes_when_it_comes_back(server: Demotable, pool: Database) -> None:
    with pool.reading() as cursor:
        one(cursor, "SELECT 1")
        server.demote()
        with pytest.raises(DatabaseDemoted):
            write(pool)
        server.promote()
        wait_until(lambda: server.connections() == 1)
    wait_until(lambda: server.connections() == 0)


def test_a_commit_that_is_refused_is_no_doubt(server: Demotable, pool: Database) -> None:
    """The server refuses the COMMIT itself, so the transaction did not happen."""

    def write_and_be_demoted() -> None:
        with pool.transaction() as cursor:
            cursor.execute("INSERT INTO notes VALUES (1)")
            server.demote()

    with pytest.raises(DatabaseDemoted):
        write_and_be_demoted()
    assert server.execute("SELECT COUNT(*) FROM notes") == ((0,),)


@pytest.mark.parametrize(
    ("proof", "refused"), [(Proof.RECENTLY, False), (Proof.NOW, True)], ids=["lately", "now"]
)
def test_a_read_only_server_answers_people_and_decides_nothing(
    server: Demotable, pool: Database, proof: Proof, *, refused: bool
) -> None:
    """With no other server to be found, a page is still answered; a decision is not taken."""
    hold(pool, 1)
    server.demote()

    def read() -> object:
        with pool.reading(proof=proof) as cursor:
            return one(cursor, "SELECT COUNT(*) FROM notes")

    if refused:
        with pytest.raises(DatabaseDemoted, match="read_only"):
            read()
    else:
        assert read() == 0


def test_reject_read_only_false_keeps_the_connections(server: Demotable) -> None:
    """As with the Go driver: the error is told, and the connection stays."""
    dsn = replace(server.dsn, parameters=DsnParameters(reject_read_only=False))
    with closing(Database(MysqlSettings(dsn=dsn))) as pool:
        hold(pool, 2)
        server.demote()
        with pool.reading() as cursor, pytest.raises(Exception, match="1290"):
            cursor.execute("DELETE FROM notes")
        assert server.connections() == 2


def test_a_read_only_transaction_is_no_default_of_ours(server: Demotable, pool: Database) -> None:
    """A server whose sessions begin read-only is written to all the same."""
    name = "tx_read_only" if server.is_mariadb else "transaction_read_only"
    server.execute(f"SET GLOBAL {name} = 1")
    try:
        write(pool)
    finally:
        server.execute(f"SET GLOBAL {name} = 0")
