"""Real servers that allow too little: sessions set what they rely on, and the rest is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.database.demands import PACKET, READ_ONLY, RIGHTS, ROW_FORMAT, Demand
from campaign_common.database.session import Session
from campaign_common.dsn import Dsn, parse_dsn
from campaign_common.errors import DatabaseRefused, StatementRefused, WritesRefused
from campaign_common.health.write_check import require_writes
from campaign_common.schema.migrate import migrate
from campaign_common.settings import MysqlSettings
from campaign_common.store.maintenance.write_trial import TABLES
from local_stack.distributions.cache import Cache
from local_stack.servers.database import DatabaseServer
from local_stack.stack import database_program
from tests.integration.common.conftest import Make, one, read
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.running import running

SHARDS = 2
ALL_OF_IT = "SELECT, INSERT, UPDATE, DELETE"

HOSTILE = {
    "autocommit": "0",
    "sql_safe_updates": "1",
    "foreign_key_checks": "0",
    "unique_checks": "0",
    "completion_type": "'CHAIN'",
    "sql_big_selects": "0",
    "sql_select_limit": "1",
    "sql_auto_is_null": "1",
    "time_zone": "'-11:00'",
    "sql_mode": "'ANSI'",
}
"""Settings of a server under which the stores' statements would fail or mean something else."""


@pytest.fixture(scope="module")
def dsn(database_server: SchemaServer) -> Iterator[Dsn]:
    """A schema for the whole module: nothing is written to it."""
    with fresh_schema(database_server.dsn) as dsn:
        yield parse_dsn(dsn)


@pytest.fixture(scope="module")
def admin(dsn: Dsn) -> Iterator[Database]:
    """The schema, migrated, as somebody who may do everything."""
    database = Database(MysqlSettings(dsn=dsn))
    migrate(database, SHARDS)
    yield database
    database.close()


@pytest.fixture
def service(admin: Database, dsn: Dsn) -> Iterator[Dsn]:
    """An account without any right, and this schema."""
    name = f"few_{token_hex(4)}"
    execute(admin, f"CREATE USER {name}@'%' IDENTIFIED BY 'secret'")
    yield replace(dsn, user=name, password="secret")
    execute(admin, f"DROP USER {name}@'%'")


def execute(database: Database, *statements: str) -> None:
    with database.reading() as cursor:
        for statement in statements:
            cursor.execute(statement)


def grant(admin: Database, rights: str, account: Dsn) -> None:
    execute(admin, f"GRANT {rights} ON {account.database}.* TO {account.user}@'%'")


@contextmanager
def server_settings(admin: Database, **settings: str) -> Iterator[None]:
    """Set variables of the whole server for sessions that begin now."""
    usual = {name: read(admin, f"SELECT @@GLOBAL.{name}") for name in settings}
    try:
        execute(admin, *(f"SET GLOBAL {name} = {text}" for name, text in settings.items()))
        yield
    finally:
        with admin.reading() as cursor:
            for name, text in usual.items():
                cursor.execute(f"SET GLOBAL {name} = %s", (text,))


def test_sessions_set_what_the_statements_rely_on(admin: Database, make: Make) -> None:
    names = list(HOSTILE)
    of_transactions = "tx" if is_mariadb(admin) else "transaction"
    hostile = HOSTILE | {f"{of_transactions}_read_only": "1"}
    asked = ", ".join(f"@@{name}" for name in names[:-2])
    with server_settings(admin, **hostile), make().reading() as cursor:
        cursor.execute(f"SELECT {asked}, @@{of_transactions}_read_only")
        (got,) = cursor.fetchall()
        assert got == (1, 0, 1, 1, "NO_CHAIN", 1, 2**64 - 1, 0, 0)
        assert one(cursor, "SELECT @@time_zone") == "+00:00"
        assert "STRICT_ALL_TABLES" in str(one(cursor, "SELECT @@sql_mode"))
        assert one(cursor, f"SELECT @@{of_transactions}_isolation") == "READ-COMMITTED"
        cursor.execute("DELETE FROM sender_heartbeats WHERE seen_at < NOW()")


def test_a_dsn_does_not_undo_what_is_relied_on(admin: Database, make: Make, dsn: Dsn) -> None:
    named = (("sql_safe_updates", "1"), ("div_precision_increment", "7"))
    database = make(dsn=replace(dsn, parameters=replace(dsn.parameters, system_variables=named)))
    assert read(database, "SELECT @@sql_safe_updates") == 0
    assert read(database, "SELECT @@div_precision_increment") == 7


def is_mariadb(database: Database) -> bool:
    return "MariaDB" in str(read(database, "SELECT VERSION()"))


def test_a_trial_names_the_tables_that_there_are(admin: Database) -> None:
    with admin.reading() as cursor:
        cursor.execute(
            "SELECT TABLE_NAME FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"
            " AND TABLE_NAME NOT REGEXP '^(messages|message_retries|receipts)_[0-9]+$|yoyo'"
        )
        assert {table for (table,) in cursor.fetchall()} == set(TABLES)


@pytest.mark.parametrize("lacking", ["SELECT", "INSERT", "UPDATE", "DELETE"])
def test_a_right_that_is_missing_is_named(
    admin: Database, make: Make, service: Dsn, lacking: str
) -> None:
    grant(admin, ", ".join(right for right in ALL_OF_IT.split(", ") if right != lacking), service)
    account = make(dsn=service)
    with pytest.raises(WritesRefused) as refused:
        require_writes(account, range(SHARDS))
    assert str(refused.value) == str(RIGHTS)
    # As an operator does it, while the service runs.
    grant(admin, lacking, service)
    require_writes(account, range(SHARDS))


def test_rights_by_a_role_are_enough(admin: Database, make: Make, service: Dsn) -> None:
    role = f"role_{token_hex(4)}"
    to = "FOR" if is_mariadb(admin) else "TO"
    execute(
        admin,
        f"CREATE ROLE {role}",
        f"GRANT {ALL_OF_IT} ON {service.database}.* TO {role}",
        f"GRANT {role} TO {service.user}@'%'",
        f"SET DEFAULT ROLE {role} {to} {service.user}@'%'",
    )
    try:
        require_writes(make(dsn=service), range(SHARDS))
    finally:
        execute(admin, f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("variable", "value", "demand"),
    [("read_only", "1", READ_ONLY), ("max_allowed_packet", "1048576", PACKET)],
)
def test_a_setting_that_forbids_writes_is_named(
    admin: Database, make: Make, service: Dsn, variable: str, value: str, demand: Demand
) -> None:
    grant(admin, ALL_OF_IT, service)
    account = make(dsn=service)
    with server_settings(admin, **{variable: value}):
        with pytest.raises(WritesRefused) as refused:
            require_writes(account, range(SHARDS))
        assert str(refused.value) == str(demand)
    require_writes(account, range(SHARDS))


def test_a_statement_beyond_the_packet_is_refused_and_no_outage(
    admin: Database, make: Make
) -> None:
    small = make(active=1)
    with server_settings(admin, max_allowed_packet="65536"):
        for size in (70_000, 3_000_000):
            with pytest.raises(StatementRefused, match="max_allowed_packet"):
                small.run(lambda cursor, size=size: select_long(cursor, size))
    # A session that began under the small one is not used again.
    small.run(lambda cursor: select_long(cursor, 70_000))


def select_long(cursor: Cursor, size: int) -> None:
    cursor.execute("SELECT LENGTH(%s)", ("ö" * (size // 2),))


def test_attempts_to_enter_are_not_repeated(
    make: Make, service: Dsn, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []
    connect = Session.connect

    def noticed(session: Session) -> None:
        attempts.append(session)
        connect(session)

    monkeypatch.setattr(Session, "connect", noticed)
    database = make(dsn=replace(service, password="another"))
    with pytest.raises(DatabaseRefused):
        database.run(lambda cursor: cursor.execute("SELECT 1"))
    assert len(attempts) == 1


@pytest.fixture
def logging_server(servers_folder: Path, cache: Cache) -> Iterator[DatabaseServer]:
    """A server with a binary log, which those of the test run do without."""
    server = DatabaseServer(
        servers_folder / "binlog",
        database_program("mariadb", cache),
        ("--log-bin=binlog", "--binlog-format=STATEMENT"),
    )
    with running(server):
        yield server


def test_a_binary_log_of_statements_is_reported(logging_server: DatabaseServer) -> None:
    """A binary log of statements is named until it is one of rows."""

    def record(form: str) -> None:
        with logging_server.connect() as operator, operator.cursor() as cursor:
            cursor.execute(f"SET GLOBAL binlog_format = '{form}'")

    record("ROW")
    database = Database(MysqlSettings(dsn=parse_dsn(logging_server.dsn)))
    migrate(database, SHARDS)
    require_writes(database, range(SHARDS))
    record("STATEMENT")
    with pytest.raises(WritesRefused) as of_old_sessions:
        require_writes(database, range(SHARDS))
    database.close()
    with pytest.raises(WritesRefused) as of_new_ones:
        require_writes(database, range(SHARDS))
    assert str(of_old_sessions.value) == str(of_new_ones.value) == str(ROW_FORMAT)
    with pytest.raises(StatementRefused, match="1665"):
        database.run(lambda cursor: cursor.execute("DELETE FROM sender_heartbeats"))
    record("ROW")
    require_writes(database, range(SHARDS))
    database.close()
