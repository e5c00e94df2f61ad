"""The pool of sessions, and transactions on it."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from itertools import count
from typing import Any, TypeVar

import pymysql
import structlog
from dbutils.pooled_db import PooledDB
from pymysql.cursors import Cursor
from pymysql.err import Error, OperationalError

from campaign_common.database.demands import unmet_demand
from campaign_common.database.failures import DEMOTED, PREVENTED_BY_AN_OPTION, code_of, translated
from campaign_common.database.limits import Limits
from campaign_common.database.session import Session
from campaign_common.errors import (
    ConnectionsExhausted,
    DatabaseContended,
    DatabaseDemoted,
    DatabaseRefused,
    DatabaseTimeout,
    DatabaseUnavailable,
    StatementRefused,
)
from campaign_common.runtime.backoff import Backoff
from campaign_common.settings import MysqlSettings

ATTEMPTS = 8
"""The largest number of attempts of `run`."""
FIRST_RUN_PAUSE = 0.04
LONGEST_RUN_PAUSE = 1.0

CHECKED_EVERY = 5.0
"""Seconds after which a session's server is asked again, before a use, whether it is read-only."""

T = TypeVar("T")

log = structlog.get_logger()


class Proof(Enum):
    """The proof that a read is of a server that takes writes."""

    RECENTLY = CHECKED_EVERY
    """It was none that is read-only so many seconds ago; good enough for answers to people. Where
    no other server is found, a read-only one is read too."""
    NOW = 0.0
    """It takes writes after the block has begun, so nothing committed before that is missing."""
    IN_THE_BLOCK = math.inf
    """The block proves it itself, without a further round trip."""


_NEVER_REPEATED = (DatabaseTimeout, ConnectionsExhausted, DatabaseRefused)
"""Errors after the full wait; and failed logins, which lock some accounts."""


class Database:
    """Sessions with one server, as many and as patient as the configuration says.

    Make it after the process has forked: a socket shared by two processes garbles both.
    Every method may be called from any thread. Errors are those of
    `campaign_common.database.failures`; a driver error that is about what a statement holds,
    such as a duplicate key, passes as it is. `one_of_several`: say which one does not answer.
    """

    def __init__(self, settings: MysqlSettings, *, one_of_several: bool = False) -> None:
        self._settings = settings
        self._where = f"{self.name}: " if one_of_several else ""
        self._limits = Limits.configured(settings)
        # DBUtils waits for a free connection without a bound; this semaphore waits with one.
        self._free = threading.BoundedSemaphore(settings.active)
        self._counting = threading.Lock()
        self._in_use = 0
        self._exhausted = 0
        self._generation = 0
        self._demoted = False
        self._pool: Any = PooledDB(
            _Creator(settings, self._limits),
            maxcached=min(settings.idle, settings.active),
            maxconnections=settings.active,
            blocking=False,
            reset=False,  # sessions come back outside of any transaction
            ping=0,  # Session.usable sees a dead connection without a round trip
        )

    @property
    def settings(self) -> MysqlSettings:
        """The settings that this database was made from."""
        return self._settings

    @property
    def name(self) -> str:
        """The address and the schema, for logs and messages."""
        return f"{self._settings.dsn.address}/{self._settings.dsn.database}"

    @property
    def in_use(self) -> int:
        """Return the number of connections that are lent now."""
        return self._in_use

    @property
    def exhausted(self) -> int:
        """Return the number of waits for a connection that have ended without one."""
        return self._exhausted

    @contextmanager
    def transaction(self, *, timeout: float | None = None) -> Iterator[Cursor]:
        """Run the block in one transaction: COMMIT at its end, ROLLBACK when it raises.

        The transaction's time is TranTimeout, its statements' QueryTimeout and ExecTimeout,
        or `timeout` seconds for each where given.

        Raises:
            DatabaseUnavailable: cannot connect, or the connection broke before COMMIT;
                nothing was done. DatabaseTimeout, ConnectionsExhausted and DatabaseDemoted are
                among these.
            DatabaseContended: a deadlock or lock wait; nothing was done.
            StatementRefused: rights or settings do not allow it; nothing was done.
            CommitUnknown: the answer to COMMIT was lost.
        """
        with self._borrowed(timeout) as session, translated():
            try:
                self._begin(session)
                with session.cursor() as cursor:
                    yield cursor
                session.commit()
            except BaseException:
                session.rollback()
                raise

    @contextmanager
    def reading(
        self, *, timeout: float | None = None, proof: Proof = Proof.RECENTLY
    ) -> Iterator[Cursor]:
        """Run the block outside of any transaction: each SELECT sees the latest commit.

        Waits and errors are those of `transaction`; DatabaseDemoted only where `proof` is more
        than RECENTLY.
        """
        with self._borrowed(timeout) as session, translated():
            self._prepare(session, proof)
            try:
                with session.cursor() as cursor:
                    yield cursor
            finally:
                if session.in_transaction():
                    session.rollback()

    def run(self, work: Callable[[Cursor], T], *, timeout: float | None = None) -> T:
        """Run `work` in a transaction, again after a deadlock or a connection lost before COMMIT.

        Repeats with growing, jittered pauses, up to 8 times and while no more than twice the
        transaction's time has passed. `work` must do nothing but use its cursor. Never
        repeats after CommitUnknown, nor what ran into its time limit.

        Raises:
            DatabaseUnavailable, DatabaseContended: the last attempt's.
            CommitUnknown: as for `transaction`.
        """
        give_up_at = time.monotonic() + 2 * (timeout or self._limits.transaction)
        backoff = Backoff(time.sleep, FIRST_RUN_PAUSE, LONGEST_RUN_PAUSE, jitter=0.5)
        for attempt in count(1):
            try:
                with self.transaction(timeout=timeout) as cursor:
                    return work(cursor)
            except _NEVER_REPEATED:
                raise
            except (DatabaseContended, DatabaseUnavailable):
                if attempt == ATTEMPTS or time.monotonic() >= give_up_at:
                    raise
            backoff.pause()
        raise AssertionError("the loop above returns or raises")

    def ping(self) -> None:
        """Prove that the server answers a statement.

        Raises:
            DatabaseUnavailable: it does not.
        """
        with self.reading() as cursor:
            cursor.execute("SELECT 1")

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    @contextmanager
    def _borrowed(self, timeout: float | None) -> Iterator[Session]:
        """Lend one session, for `timeout` seconds' limits where given."""
        limits = self._limits if timeout is None else Limits.uniform(timeout)
        if not self._free.acquire(timeout=self._limits.transaction):
            self._count(exhausted=1)
            raise ConnectionsExhausted(
                f"all {self._settings.active} connections (Mysql.Active) stayed in use for "
                f"{self._limits.transaction:g} s"
            )
        self._count(in_use=1)
        try:
            lent = self._pool.connection(shareable=False)
            try:
                session: Session = lent.dbapi_connection
                if self._is_of_the_past(session) or not session.usable(self._settings.idle_timeout):
                    session.discard()
                session.limits = limits
                yield session
            except DatabaseDemoted as error:
                self._forsake(session, error)
                raise
            except StatementRefused as error:
                session.discard()
                if unmet_demand(error) is not None:
                    # What an operator changes about the server holds for new sessions only.
                    self._pool.close()  # closes what is idle, and goes on
                raise
            finally:
                session.last_used = time.monotonic()
                if self._settings.idle == 0 or self._is_of_the_past(session):
                    session.discard()
                self._take_back(session)
                lent.close()
        finally:
            self._count(in_use=-1)
            self._free.release()

    def _take_back(self, session: Session) -> None:
        """Restore the usual limits, so that the next borrower does not wait for it."""
        try:
            session.apply_limits(self._limits)
        except Error:
            session.discard()

    def _count(self, *, in_use: int = 0, exhausted: int = 0) -> None:
        with self._counting:
            self._in_use += in_use
            self._exhausted += exhausted

    def _begin(self, session: Session) -> None:
        """Begin, on a new connection when the idle one turns out dead: nothing is lost by it."""
        self._on_a_live_connection(session, lambda: self._begin_on(session))

    def _begin_on(self, session: Session) -> None:
        self._require_writes(session, CHECKED_EVERY)
        session.begin()

    def _prepare(self, session: Session, proof: Proof) -> None:
        try:
            self._on_a_live_connection(session, lambda: self._prove(session, proof))
        except DatabaseDemoted:
            if proof is not Proof.RECENTLY:
                raise

    def _prove(self, session: Session, proof: Proof) -> None:
        if proof is not Proof.IN_THE_BLOCK:
            self._require_writes(session, proof.value)

    def _on_a_live_connection(self, session: Session, begin: Callable[[], None]) -> None:
        """Do `begin`, on a new connection where the idle one is dead or its server demoted."""
        if session.open:
            try:
                session.apply_limits(session.limits)
                begin()
            except (Error, DatabaseUnavailable) as error:
                if code_of(error) in DEMOTED:
                    self._forsake(session, error)
                session.discard()
            else:
                return
        with translated(self._where):
            session.generation = self._generation
            session.connect()
            begin()

    def _require_writes(self, session: Session, within: float) -> None:
        if session.takes_writes(within=within):
            self._demoted = False
            return
        # The error with which the server itself refuses a write.
        said = f"the server is read-only ({session.read_only} is on)"
        raise OperationalError(PREVENTED_BY_AN_OPTION, said)

    # --- a server that has become read-only -----------------------------------------------

    def _is_of_the_past(self, session: Session) -> bool:
        """Return whether a connection may lead to a server that has been replaced."""
        if not self._settings.dsn.parameters.reject_read_only:
            return False
        return bool(session.read_only) or session.generation != self._generation

    def _forsake(self, session: Session, error: Exception) -> None:
        """Drop every connection of this generation: idle ones now, others when they come back."""
        if not self._settings.dsn.parameters.reject_read_only:
            return
        with self._counting:
            if session.generation != self._generation:
                return
            self._generation += 1
            known, self._demoted = self._demoted, True
        if not known:
            log.warning("database connections dropped", server=self.name, error=str(error))
        self._pool.close()  # closes what is idle, and stays open itself


class _Creator:
    """Maker of sessions that are not connected yet, so that DBUtils' lock is never held long."""

    dbapi = pymysql
    threadsafety = pymysql.threadsafety

    def __init__(self, settings: MysqlSettings, limits: Limits) -> None:
        self._settings = settings
        self._limits = limits

    def connect(self) -> Session:
        return Session(self._settings.dsn, self._limits)
