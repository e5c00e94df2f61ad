"""Time limits of statements and transactions."""

from dataclasses import dataclass
from math import ceil

from campaign_common.settings import MysqlSettings

GRACE = 0.5
"""Seconds that the client waits longer than the server was told to, for the server's answer."""


@dataclass(frozen=True)
class Limits:
    """Seconds that a SELECT, any other statement, and a transaction as a whole may take."""

    query: float
    execute: float
    transaction: float

    @classmethod
    def configured(cls, settings: MysqlSettings) -> "Limits":
        """Take QueryTimeout, ExecTimeout and TranTimeout."""
        return cls(settings.query_timeout, settings.exec_timeout, settings.tran_timeout)

    @classmethod
    def uniform(cls, seconds: float) -> "Limits":
        """Allow `seconds` for each."""
        return cls(seconds, seconds, seconds)

    @property
    def silence(self) -> int:
        """Seconds after which a session that says nothing inside a transaction is ended."""
        return ceil(self.transaction) + 1

    def session_variables(self, *, mariadb: bool) -> list[str]:
        """Return assignments that make the server end what takes too long.

        MySQL can bound SELECT only; on both, what waits for a lock gives up at half of the
        statement's time, so that the answer says so instead of a lost connection.

        A client that falls silent inside a transaction (stopped, suspended, cut off) would
        keep its row locks, and with them its shards and campaigns, from everybody else: the
        server rolls back what it has not heard of for longer than a transaction may take.
        MySQL knows only a bound on any silence, so there idle connections end by it too, and
        the pool makes new ones.
        """
        lock_wait = max(1, int(self.execute / 2))
        assignments = [
            f"SESSION innodb_lock_wait_timeout = {lock_wait}",
            f"SESSION lock_wait_timeout = {lock_wait}",
        ]
        if mariadb:
            return [
                *assignments,
                f"SESSION max_statement_time = {max(self.query, self.execute)}",
                f"SESSION idle_transaction_timeout = {self.silence}",
            ]
        return [
            *assignments,
            f"SESSION max_execution_time = {ceil(self.query * 1000)}",
            f"SESSION wait_timeout = {self.silence}",
        ]
