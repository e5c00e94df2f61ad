"""The writes of the database and the local network traffic that a campaign causes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil
import pymysql

from benchmarks.results import Run
from benchmarks.site import Site

LOOPBACK = ("lo", "lo0")

STATUS = """
SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_commit', 'Innodb_os_log_written')
"""

STATEMENTS = """
SHOW GLOBAL STATUS WHERE Variable_name IN (
    'Com_select', 'Com_insert', 'Com_insert_select', 'Com_update', 'Com_delete')
"""

NETWORK, COMMITS, REDO_LOG = "network", "commits of the database", "redo log of the database"


@contextmanager
def counted_traffic(site: Site, run: Run, rows: int) -> Iterator[None]:
    """Note the block's traffic per message; nothing on servers that others may use as well."""
    if not site.servers:
        yield
        return
    with site.connection() as cursor:
        sent, status = _loopback_bytes(), _status(cursor, STATUS)
        yield
        now = _status(cursor, STATUS)
        run.note(NETWORK, (_loopback_bytes() - sent) / rows, "bytes/msg")
        commits = now["Com_commit"] - status["Com_commit"]
        run.note(COMMITS, commits / rows * 1_000, "per 1,000 msg")
        redo = now["Innodb_os_log_written"] - status["Innodb_os_log_written"]
        run.note(REDO_LOG, redo / rows, "bytes/msg")


@contextmanager
def counted_statements(site: Site, run: Run, seconds: float) -> Iterator[None]:
    """Note how many statements a second the database executes in a block of so many seconds.

    Nothing on servers that others may use as well.
    """
    if not site.servers:
        yield
        return
    with site.connection() as cursor:
        before = _status(cursor, STATEMENTS)
        yield
        now = _status(cursor, STATEMENTS)
    run.note("statements", (sum(now.values()) - sum(before.values())) / seconds, "/s")


def _loopback_bytes() -> int:
    """Return the bytes that programs of this machine have sent each other over TCP since boot."""
    interfaces = psutil.net_io_counters(pernic=True)
    return sum(counted.bytes_sent for name, counted in interfaces.items() if name in LOOPBACK)


def _status(cursor: pymysql.cursors.Cursor, query: str) -> Mapping[str, int]:
    cursor.execute(query)
    return {name: int(value) for name, value in cursor.fetchall()}
