"""The check of the read that goes before every send: the time that it takes from here."""

from collections.abc import Iterator, Sequence
from math import ceil
from statistics import median
from time import monotonic

from campaign_admin.doctor.finding import Finding, failed, ok, warning
from campaign_common.database import Database, Databases, Proof
from campaign_common.settings import Settings
from campaign_common.store.core.campaigns import active_ids
from campaign_common.store.messages.send_view import FRESH_FOR, LONGEST_READ, Wanted, read_view

READS = 3
"""Of which the median counts; the first may have to connect."""

STATEMENTS = 4
STATEMENTS_OF_A_SHARD = 2
"""Round trips of a transaction that records: BEGIN, counters, the first check of a session, COMMIT;
and of each shard its claim and its outcomes. Retries cost one more."""

REMEDY = (
    "run senders nearer to the database, or the database nearer to them"
    " (docs/operations/overview.md)"
)


def check_views(databases: Databases, settings: Settings) -> list[Finding]:
    """Measure the read before sends, at the main server and together with each other one.

    Raises:
        RetryLater: a server is down, or takes no writes.
    """
    topic = settings.sync_client.topic
    with databases.main.reading() as cursor:
        campaigns = active_ids(cursor)
    main = _seconds(databases.main, Wanted((0,), campaigns, topic, claims=True))
    found: list[Finding] = []
    for database, held in databases.shares(range(settings.msg_table_sharding_size)):
        where, seconds, round_trip = "", main, main
        if database is not databases.main:
            where = f"{database.name}: "
            round_trip = _seconds(database, Wanted((0,), None, topic, claims=True))
            seconds += round_trip
        found += _finding_of(where, seconds)
        found += _transactions(where, round_trip, len(held), settings.mysql.tran_timeout)
    return found


def _transactions(
    where: str, round_trip: float, shards: int, tran_timeout: float
) -> Iterator[Finding]:
    """Compare a transaction that records for all shards with the time that it may take."""
    seconds = round_trip * (STATEMENTS + STATEMENTS_OF_A_SHARD * shards)
    if seconds >= tran_timeout:
        yield failed(
            "send guard",
            f"{where}a sender alone with {shards} shards needs about {seconds:.1f} s to record"
            f" results, and may take {tran_timeout:g} s",
            f"set Mysql.TranTimeout to {ceil(2 * seconds)}s",
        )


def _seconds(database: Database, wanted: Wanted) -> float:
    return median(_times(database, wanted))


def _times(database: Database, wanted: Wanted) -> Sequence[float]:
    times = []
    for _ in range(READS):
        began = monotonic()
        with database.reading(proof=Proof.IN_THE_BLOCK) as cursor:
            read_view(cursor, wanted)
        times.append(monotonic() - began)
    return times


def _finding_of(where: str, seconds: float) -> Iterator[Finding]:
    message = f"{where}the read before sends takes {seconds:.2f} s from here"
    if seconds >= FRESH_FOR:
        yield failed(
            "send guard",
            f"{message}: nothing is sent after a read older than {FRESH_FOR:g} s: nothing at all",
            REMEDY,
        )
    elif seconds >= LONGEST_READ:
        yield warning(
            "send guard",
            f"{message}: from {LONGEST_READ:g} s on sends pause between two of them",
            REMEDY,
        )
    else:
        yield ok("send guard", message)
