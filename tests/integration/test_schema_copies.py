"""The tests' copies of a migrated schema: what is shown on one holds on a schema of users."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from campaign_common.database import Database
from campaign_common.dsn import parse_dsn
from campaign_common.schema import schema_status
from campaign_common.schema.migrate import migrate
from campaign_common.settings import MysqlSettings
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.schemas import connected, make_current, recorded

SHARDS = 3
MOMENT = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?'")
LOG_OF_YOYO = re.compile(r"^INSERT INTO _yoyo_log .*?;$", re.MULTILINE | re.DOTALL)
"""Its rows have random names."""
GIVEN_AGAIN = "CHARACTER SET utf8mb4 "
"""MySQL shows the set of a collation where a statement named it, as its own definitions do."""


def test_a_copy_equals_a_migrated_schema(database_server: SchemaServer) -> None:
    """Every table with its keys, the view and all rows, but for the moments in them."""
    with opened(database_server) as migrated:
        migrate(migrated, SHARDS)
        expected = comparable(migrated)
    for _ in ("the one that is recorded, where it is the first", "a copy"):
        with opened(database_server) as copy:
            make_current(copy, SHARDS)
            assert schema_status(copy, SHARDS).current
            assert comparable(copy) == expected


def test_only_an_empty_schema_becomes_a_copy(database_server: SchemaServer) -> None:
    """A second call would hide that a test counts on a schema of its own."""
    with opened(database_server) as database:
        make_current(database, SHARDS)
        with pytest.raises(AssertionError, match="empty"):
            make_current(database, SHARDS)


@contextmanager
def opened(server: SchemaServer) -> Iterator[Database]:
    with fresh_schema(server.dsn) as dsn:
        database = Database(MysqlSettings(dsn=parse_dsn(dsn)))
        yield database
        database.close()


def comparable(database: Database) -> str:
    with closing(connected(database.settings.dsn)) as connection:
        text = recorded(connection).replace(GIVEN_AGAIN, "")
    return MOMENT.sub("MOMENT", LOG_OF_YOYO.sub("", text))
