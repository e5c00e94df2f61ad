"""Copies of a migrated schema, for tests that need one and are not about migrations.

Migrations create a table and alter it many times; a copy creates each table once, as it is in
the end, which takes a fifth of the time. It is recorded from a schema that the product has
migrated, so that it never differs from one.
"""

import re
from contextlib import closing
from typing import Any, NamedTuple

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CLIENT
from pymysql.cursors import Cursor

from campaign_common.database import Database, Databases
from campaign_common.dsn import Dsn
from campaign_common.schema.migrate import migrate, migrate_all

_DEFINER = re.compile(r" DEFINER=`[^`]*`@`[^`]*`")


class Recording(NamedTuple):
    """Statements that make a migrated schema, and those that make its rows as they were."""

    making: str
    emptying: str
    tables: frozenset[str]


_recordings: dict[tuple[str, int], Recording] = {}
"""By the server's version and the number of shards."""

made_before: dict[tuple[str, str], int] = {}
"""Number of shards of the schemas that a pool keeps, by address of the server and name."""


def make_current(database: Database, shards: int) -> None:
    """Give an empty schema what `migrate` gives it; one of a pool has it.

    Raises:
        AssertionError: the schema is not empty, and no such one of a pool.
    """
    dsn = database.settings.dsn
    if made_before.get((dsn.address, dsn.database)) == shards:
        return
    with closing(connected(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        assert not cursor.fetchall(), "only an empty schema becomes a copy"
        key = (version(cursor), shards)
        if key in _recordings:
            execute_all(cursor, _recordings[key].making)
        else:
            migrate(database, shards)
            _recordings[key] = _recording(connection)


def make_all_current(databases: Databases, shards: int) -> None:
    """Do the same for the servers of a system; several of them are migrated."""
    if len(databases.all) == 1:
        make_current(databases.main, shards)
    else:
        for _ in migrate_all(databases, shards):
            pass  # a server at a time


def recording_of(cursor: Cursor, shards: int) -> Recording:
    """Return the recording of what `make_current` has made with so many shards."""
    return _recordings[version(cursor), shards]


def recorded(connection: "Connection[Cursor]") -> str:
    """Return the statements that make the schema of a connection, rows included."""
    with connection.cursor() as cursor:
        found = names(cursor)
        tables = found["BASE TABLE"]
        statements = [_definition(cursor, "TABLE", name) for name in tables]
        statements += [rows for name in tables if (rows := _rows(cursor, name))]
        statements += [_definition(cursor, "VIEW", name) for name in found["VIEW"]]
        return ";\n".join(statements)


def _recording(connection: "Connection[Cursor]") -> Recording:
    with connection.cursor() as cursor:
        tables = names(cursor)["BASE TABLE"]
        emptying = [f"DELETE FROM {name}" for name in tables]
        emptying += [rows for name in tables if (rows := _rows(cursor, name))]
        everything = ["START TRANSACTION", *emptying, "COMMIT"]
        return Recording(recorded(connection), ";\n".join(everything), frozenset(tables))


def names(cursor: Cursor) -> dict[str, list[str]]:
    """Return the names of tables and views, by their kind."""
    cursor.execute("SHOW FULL TABLES")
    found: dict[str, list[str]] = {"BASE TABLE": [], "VIEW": []}
    for name, kind in cursor.fetchall():
        found[kind].append(name)
    return found


def _definition(cursor: Cursor, kind: str, name: str) -> str:
    cursor.execute(f"SHOW CREATE {kind} {name}")
    row = cursor.fetchone()
    assert row is not None, name
    statement = str(row[1])
    if kind == "VIEW":
        cursor.execute("SELECT DATABASE()")
        ((schema,),) = cursor.fetchall()
        statement = _DEFINER.sub("", statement.replace(f"`{schema}`.", ""))
    return statement


def _rows(cursor: Cursor, table: str) -> str | None:
    cursor.execute(f"SELECT * FROM {table}")
    rows = cursor.fetchall()
    if not rows:
        return None
    columns = ", ".join(f"`{column[0]}`" for column in cursor.description)
    values = ",\n".join(_literal(cursor, row) for row in rows)
    return f"INSERT INTO {table} ({columns}) VALUES {values}"


def _literal(cursor: Cursor, row: tuple[Any, ...]) -> str:
    marks = ", ".join(["%s"] * len(row))
    return cursor.mogrify(f"({marks})", row)


def version(cursor: Cursor) -> str:
    cursor.execute("SELECT VERSION()")
    ((version,),) = cursor.fetchall()
    return str(version)


def execute_all(cursor: Cursor, statements: str) -> None:
    cursor.execute(statements)
    while cursor.nextset():
        pass  # raises the error of a statement


def connected(dsn: Dsn) -> "Connection[Cursor]":
    """Enter a schema, where several statements may be sent as one."""
    return pymysql.connect(
        host=dsn.host,
        port=dsn.port,
        unix_socket=dsn.socket,
        user=dsn.user,
        password=dsn.password,
        database=dsn.database,
        client_flag=CLIENT.MULTI_STATEMENTS,
        ssl_disabled=True,
        autocommit=True,
    )
