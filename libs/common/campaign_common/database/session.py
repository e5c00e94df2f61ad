"""One session with the server: how it is prepared, and how long it waits.

Sessions are in autocommit, so that a SELECT outside of a transaction needs no second round
trip and always sees the latest commit; a transaction begins with an explicit BEGIN.
"""

import math
import select
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from pymysql.connections import Connection
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS
from pymysql.cursors import Cursor
from pymysql.err import Error, OperationalError

from campaign_common.database.failures import NOT_COMMITTED, code_of, translated
from campaign_common.database.limits import GRACE, Limits
from campaign_common.dsn import Dsn
from campaign_common.errors import CommitUnknown, DatabaseTimeout

SQL_MODE = (
    "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)
RELIED_ON = (
    f"SESSION sql_mode = '{SQL_MODE}'",
    "SESSION time_zone = '+00:00'",
    "SESSION autocommit = 1",
    "SESSION sql_safe_updates = 0",
    "SESSION foreign_key_checks = 1",
    "SESSION unique_checks = 1",
    "SESSION completion_type = 0",  # COMMIT neither begins a transaction nor ends the session
    "SESSION sql_big_selects = 1",
    "SESSION sql_select_limit = 18446744073709551615",
    "SESSION sql_auto_is_null = 0",
)
"""Variables on which the stores' SQL depends, against the server's settings and init_connect."""
SELECT_PACKET = "SELECT @@max_allowed_packet"
PACKET_TOO_LARGE = 1153
LONGEST_CHARACTER = 4
"""Bytes of one in UTF-8."""
BEGIN = "START TRANSACTION READ WRITE"
"""A server that is read-only refuses it, where a plain BEGIN would read what is out of date.

MySQL's manual, "START TRANSACTION, COMMIT, and ROLLBACK Statements". Accounts with
CONNECTION_ADMIN, SUPER or READ_ONLY ADMIN are let through unless super_read_only is on.
"""
READ_ONLY_VARIABLES = """
CONCAT_WS(', ', IF(CONCAT(@@global.read_only) IN ('0', 'OFF'), NULL, 'read_only'),
                IF(CONCAT(@@global.innodb_read_only) IN ('0', 'OFF'), NULL, 'innodb_read_only'))
"""
"""An expression for the variables that make the server read-only; '' while it takes writes.

super_read_only of MySQL switches read_only on too. As text, since newer MariaDBs answer with words.
"""

SELECT_READ_ONLY = f"SELECT {READ_ONLY_VARIABLES}"
COLLATION = "utf8mb4_bin"
CONNECT_TIMEOUT = 5.0
LONGEST_STATEMENT = 4 * 1024 * 1024


class BatchCursor(Cursor):
    """A cursor whose executemany sends rows in statements of up to 4 MiB.

    The driver's own 1 MB would split a batch of 5,000 recipients; MariaDB's smallest default
    of max_allowed_packet is 16 MiB.
    """

    max_stmt_length = LONGEST_STATEMENT


if TYPE_CHECKING:
    _DriverConnection = Connection[BatchCursor]
else:
    _DriverConnection = Connection  # generic in the type stubs only


class Session(_DriverConnection):
    """A connection that is made when it is first needed and bounds every wait."""

    # Attributes of the driver's class that its type stubs leave out.
    _sock: socket.socket | None
    server_status: int
    server_version: str

    def __init__(self, dsn: Dsn, limits: Limits) -> None:
        self.limits = limits
        self.last_used = 0.0
        self.generation = 0
        """Of the pool's connections; those of an earlier one are dropped."""
        self.read_only = ""
        """The server's variables that said so at the last check."""
        self._checked_at = -math.inf
        self._applied: Limits | None = None
        self._largest_packet: int | None = None
        self._deadline: float | None = None
        self._dsn = dsn
        self._handshake = dsn.parameters.connect_timeout or CONNECT_TIMEOUT
        super().__init__(
            user=dsn.user.encode(),
            password=dsn.password.encode(),  # as bytes: the driver turns text into Latin-1
            database=dsn.database or None,
            host=dsn.host,
            port=dsn.port,
            unix_socket=dsn.socket,
            charset="utf8mb4",
            collation=dsn.parameters.collation or COLLATION,
            autocommit=True,
            connect_timeout=self._handshake,
            max_allowed_packet=dsn.parameters.max_allowed_packet,
            cursorclass=BatchCursor,
            defer_connect=True,
            ssl=_tls_context(dsn),
            ssl_disabled=dsn.parameters.tls == "false",
        )

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect and prepare the session; a half prepared one is closed again."""
        self._deadline = self._applied = self._largest_packet = None
        self._checked_at = -math.inf
        self.read_only = ""
        self._wait_at_most(self._handshake)
        super().connect(sock)
        try:
            self._prepare()
        except BaseException:
            self.discard()
            raise

    def _prepare(self) -> None:
        """Set what the DSN names, then what is relied on: the last assignment counts."""
        mariadb = self._is_mariadb()
        named = [f"SESSION {name} = {text}" for name, text in self._dsn.parameters.system_variables]
        limits = self.limits.session_variables(mariadb=mariadb)
        # MariaDB 10.11 knows only the names that MySQL 8.0 gave up.
        of_transactions = "tx" if mariadb else "transaction"
        relied_on = [
            *RELIED_ON,
            f"SESSION {of_transactions}_isolation = 'READ-COMMITTED'",
            f"SESSION {of_transactions}_read_only = 0",
        ]
        self.query(f"SET {', '.join([*named, *limits, *relied_on])}")
        self._applied = self.limits
        with self.cursor() as cursor:
            cursor.execute(SELECT_PACKET)
            ((self._largest_packet,),) = cursor.fetchall()

    def apply_limits(self, limits: Limits) -> None:
        """Set the limits that hold from now on; costs a round trip only when they change."""
        self.limits = limits
        if self.open and limits != self._applied:
            assignments = limits.session_variables(mariadb=self._is_mariadb())
            self.query(f"SET {', '.join(assignments)}")
            self._applied = limits

    def takes_writes(self, *, within: float) -> bool:
        """Return whether the server was no read-only one so many seconds ago, or is none now.

        Costs a round trip where the last check is older than that.
        """
        if time.monotonic() - self._checked_at > within:
            began = time.monotonic()
            self.read_only = self._read_only_now()
            self._checked_at = began
        return not self.read_only

    def usable(self, idle_timeout: float) -> bool:
        """Return whether the connection was used recently and the server has not ended it.

        The server says nothing unasked but that it ends the connection, so anything to read
        on an idle socket means that it did. No round trip is needed to see that.
        """
        unused = time.monotonic() - self.last_used
        if self._sock is None or unused > min(idle_timeout, self._kept_by_server()):
            return False
        waiting = select.poll()
        waiting.register(self._sock, select.POLLIN)
        return not waiting.poll(0)

    def discard(self) -> None:
        """Drop the connection at once; the next use makes a new one."""
        self._force_close()  # type: ignore[attr-defined]

    def in_transaction(self) -> bool:
        """Return whether the server holds a transaction of this session open."""
        return self.open and bool(self.server_status & SERVER_STATUS_IN_TRANS)

    def query(self, sql: Any, unbuffered: bool = False) -> int:  # noqa: ANN401, FBT001, FBT002 - the driver's signature
        """Send a statement and wait for its answer as long as `limits` allow.

        Raises:
            DatabaseTimeout: the transaction has used up its time already.
            OperationalError: the statement is longer than the server takes. A server that gets
                such a statement ends the connection, which would look like an outage.
        """
        self._require_room_for(sql)
        self._wait_at_most(self.limits.query if _is_select(sql) else self.limits.execute)
        return super().query(sql, unbuffered)

    def begin(self) -> None:
        """Begin a transaction; its time runs from here."""
        self._deadline = None
        self.query(BEGIN)
        self._deadline = time.monotonic() + self.limits.transaction

    def commit(self) -> None:
        """Commit.

        Raises:
            DatabaseTimeout: the time was over before; nothing was committed.
            CommitUnknown: the answer did not come, or does not say what happened.
        """
        self._wait_at_most(self.limits.execute)
        self._deadline = None  # COMMIT itself is not cut short: that would make it unknown
        self._wait_at_most(self.limits.execute)
        try:
            super().commit()
        except Error as error:
            if code_of(error) not in NOT_COMMITTED:
                self.discard()
                raise CommitUnknown(f"no clear answer to COMMIT: {error.args[-1]}") from error
            raise

    def rollback(self) -> None:
        """Roll back; a connection that cannot even do that is dropped, which does it too."""
        self._deadline = None
        if not self.open:
            return
        try:
            self._wait_at_most(self.limits.execute)
            super().rollback()
        except Error:
            self.discard()

    def _require_room_for(self, sql: str | bytes) -> None:
        if self._largest_packet is None or len(sql) * LONGEST_CHARACTER < self._largest_packet:
            return
        size = len(sql.encode() if isinstance(sql, str) else sql)
        if size >= self._largest_packet:
            said = f"{size} bytes are more than max_allowed_packet ({self._largest_packet})"
            raise OperationalError(PACKET_TOO_LARGE, said)

    def _read_only_now(self) -> str:
        with self.cursor() as cursor:
            cursor.execute(SELECT_READ_ONLY)
            ((said,),) = cursor.fetchall()
        return str(said)

    def _is_mariadb(self) -> bool:
        return "MariaDB" in self.server_version

    def _kept_by_server(self) -> float:
        """Return the seconds for which the server surely keeps an unused connection.

        One less than it says: it could end the session while a statement is on its way.
        """
        if self._applied is None or self._is_mariadb():
            return math.inf
        return self._applied.silence - 1

    def _wait_at_most(self, seconds: float) -> None:
        """Bound the waits on the socket, by what is left of the transaction too."""
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                took = f"{self.limits.transaction:g} s"
                raise DatabaseTimeout(f"the transaction took longer than TranTimeout ({took})")
            seconds = min(seconds, left)
        parameters = self._dsn.parameters
        self._read_timeout = min(seconds + GRACE, parameters.read_timeout or seconds + GRACE)
        self._write_timeout = min(seconds + GRACE, parameters.write_timeout or seconds + GRACE)


def open_session(dsn: Dsn, limits: Limits) -> Session:
    """Connect outside of any pool, for work such as migrations.

    Raises:
        DatabaseUnavailable: not reachable.
        DatabaseRefused: reachable, and does not let this user in.
    """
    session = Session(dsn, limits)
    with translated():
        session.connect()
    return session


def _is_select(sql: str | bytes) -> bool:
    start = sql[:32].lstrip()[:6].upper()
    return start in ("SELECT", b"SELECT")


def _tls_context(dsn: Dsn) -> ssl.SSLContext | None:
    """`preferred` needs none: the driver then takes what the server offers, unverified."""
    if dsn.parameters.tls not in {"true", "skip-verify"}:
        return None
    context = ssl.create_default_context()
    # Certificates that MySQL makes for itself lack what strict X.509 checking demands.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if dsn.parameters.tls == "skip-verify":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
