"""Checks of the database server: its version, its settings, its clock."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from campaign_admin.doctor.finding import Finding, failed, ok, unless, warning
from campaign_common.database import Database
from campaign_common.database.demands import PACKET, unmet_by, unmet_demand
from campaign_common.errors import DatabaseContended, RetryLater, StatementRefused
from campaign_common.store.maintenance.doctor_queries import Server, read_server
from campaign_common.store.maintenance.write_trial import read_write_settings, try_writes

OLDEST_MYSQL = (8, 0)
OLDEST_MARIADB = (10, 11)

ADVISED_PACKET = 16 * 2**20
"""Bytes; the statement that records a batch of 4,000 messages has half a megabyte."""

CLOCK_WARNING = 1.0
CLOCK_ERROR = 30.0
"""Seconds between this machine's clock and the database's."""


def check_server(database: Database) -> list[Finding]:
    """Check the server.

    Raises:
        RetryLater: it is down. DatabaseRefused: it does not let this user in.
    """
    began = datetime.now(UTC)
    with database.reading() as cursor:
        server = read_server(cursor)
    middle = began + (datetime.now(UTC) - began) / 2
    processes = database.settings.active
    return [
        *_version(server),
        *unless("durability", _durability(server), "every commit is on disk before it is answered"),
        *unless("limits", _limits(server, processes), "large enough packets, enough connections"),
        *_memory(server),
        *_clock(server, middle),
    ]


def check_writes(database: Database, held: Sequence[int]) -> list[Finding]:
    """Try what the services write, for the shards that the server holds; changes nothing.

    Raises:
        RetryLater: it is down.
    """
    with database.reading() as cursor:
        settings = read_write_settings(cursor)
    # Small packets are among the limits.
    found = [failed("writes", *demand) for demand in unmet_by(settings) if demand is not PACKET]
    try:
        with database.transaction() as cursor:
            try_writes(cursor, held)
    except DatabaseContended as error:
        found.append(warning("writes", f"not tried: a table is locked: {error}"))
    except RetryLater as error:
        demand = unmet_demand(error)
        if demand is not None and not any(one.message == demand.message for one in found):
            found.append(failed("writes", f"{demand.message}: {error}", demand.remedy))
        elif demand is None and isinstance(error, StatementRefused):
            found.append(failed("writes", f"the server refuses a statement: {error}"))
        elif demand is None:
            raise
    return unless("writes", found, "this user may insert, update and delete in every table")


def _version(server: Server) -> Iterator[Finding]:
    is_mariadb = "MariaDB" in server.version
    name = "MariaDB" if is_mariadb else "MySQL"
    # MariaDB of old put 5.5.5- before its own version, for old replicas.
    numbers = re.findall(r"\d+", server.version.removeprefix("5.5.5-"))
    version = (int(numbers[0]), int(numbers[1]))
    oldest = OLDEST_MARIADB if is_mariadb else OLDEST_MYSQL
    if version >= oldest:
        yield ok("database version", f"{name} {version[0]}.{version[1]}")
    else:
        yield failed(
            "database version",
            f"{name} {version[0]}.{version[1]} is older than {oldest[0]}.{oldest[1]}",
            f"upgrade the server to {name} {oldest[0]}.{oldest[1]} or newer",
        )


def _durability(server: Server) -> Iterator[Finding]:
    """Without a flush at each commit, a crash of the machine loses outcomes that were told."""
    settings = server.variables
    if settings.get("innodb_flush_log_at_trx_commit", "1") != "1":
        yield failed(
            "durability",
            "innodb_flush_log_at_trx_commit is"
            f" {settings['innodb_flush_log_at_trx_commit']}: a crash of the database's machine"
            " loses commits, and messages would be sent again",
            "SET GLOBAL innodb_flush_log_at_trx_commit = 1, and the same in the server's file",
        )
    if settings.get("log_bin") == "ON" and settings.get("sync_binlog") != "1":
        yield warning(
            "durability",
            f"sync_binlog is {settings.get('sync_binlog')}: after a crash replicas, and restores"
            " from the binary log, may lack commits",
            "SET GLOBAL sync_binlog = 1, and the same in the server's file",
        )


def _limits(server: Server, active: int) -> Iterator[Finding]:
    packet = int(server.variables["max_allowed_packet"])
    if packet < ADVISED_PACKET:
        yield failed(
            "limits",
            f"max_allowed_packet is {packet // 2**20} MB: large batches would be refused",
            f"SET GLOBAL max_allowed_packet = {ADVISED_PACKET}, and the same in the server's file",
        )
    connections = int(server.variables["max_connections"])
    if connections < 2 * active:
        yield warning(
            "limits",
            f"max_connections is {connections}, and each process may open {active} (Mysql.Active)",
            "lower Mysql.Active: 16 are enough for a process; or raise max_connections",
        )


def _memory(server: Server) -> Iterator[Finding]:
    pool, data = int(server.variables["innodb_buffer_pool_size"]), server.data_bytes
    megabytes = f"{data / 2**20:,.0f} MB of data, {pool / 2**20:,.0f} MB of memory for them"
    if data > pool:
        yield warning(
            "memory",
            f"{megabytes}: what is read about past campaigns comes from the disk",
            "raise innodb_buffer_pool_size, or campaign-db purge --older-than 90d",
        )
    else:
        yield ok("memory", megabytes)


def _clock(server: Server, here: datetime) -> Iterator[Finding]:
    off = (server.now.replace(tzinfo=UTC) - here).total_seconds()
    message = f"{abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} this machine's"
    if abs(off) < CLOCK_WARNING:
        yield ok("clock", "the database's clock agrees with this machine's")
        return
    # Leases, due times and expiry go by the database's clock; times in requests by people's.
    result = failed if abs(off) >= CLOCK_ERROR else warning
    yield result(
        "clock",
        f"the database's clock is {message}; campaigns start by the database's",
        "let both follow a time server (chronyd, systemd-timesyncd)",
    )
