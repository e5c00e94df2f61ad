"""yoyo-migrations on this project's own connection.

yoyo would read a URI, which cannot say everything that a DSN can, and keep a lock row that a
killed migration leaves behind. Here it gets a session made from the DSN, and the caller's
named lock, which ends with its connection, stands for yoyo's.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from yoyo.backends.core.mysql import MySQLBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import default_migration_table

from campaign_common.database.limits import Limits
from campaign_common.database.session import Session, open_session
from campaign_common.dsn import Dsn


class DsnBackend(MySQLBackend):  # type: ignore[misc]
    """yoyo's MySQL backend, connected by a DSN; only for the holder of the schema's lock."""

    def __init__(self, uri: DatabaseURI, migration_table: str = default_migration_table) -> None:
        super().__init__(uri, migration_table)
        self.has_transactional_ddl = False  # each DDL statement commits implicitly

    @classmethod
    def of(cls, dsn: Dsn, limits: Limits) -> "DsnBackend":
        """Connect to the schema that `dsn` names."""
        arguments = {"dsn": dsn, "limits": limits}
        return cls(
            DatabaseURI("mysql", dsn.user, None, dsn.host, dsn.port, dsn.database, arguments)
        )

    def connect(self, dburi: DatabaseURI) -> Session:
        """Open a session; yoyo opens another one for every migration."""
        return open_session(dburi.args["dsn"], dburi.args["limits"])

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:  # noqa: ARG002 - yoyo's signature
        """Do nothing: the caller holds the schema's named lock."""
        yield

    def savepoint(self, savepoint_id: str) -> None:
        """Do nothing: a DDL statement ends the transaction with all of its savepoints."""

    def savepoint_rollback(self, savepoint_id: str) -> None:
        """Do nothing, for the same reason; yoyo then undoes step by step."""

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:  # noqa: ANN401 - yoyo's migration
        """Describe what was done, for yoyo's log.

        yoyo's own asks the system for the user's name, which a container's numbered user
        does not have, and the resolver for the host's.
        """
        return {
            "id": str(uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": self.uri.username,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }
