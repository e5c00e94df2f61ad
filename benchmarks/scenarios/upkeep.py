"""The storage of a sent campaign, and the cost of checking and purging it."""

import subprocess
import sys
import time
from pathlib import Path

import click
import pymysql

from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.scenarios.sending import list_on
from benchmarks.site import Site
from benchmarks.system import SHARDS

ANALYZE = "ANALYZE TABLE {table}"

FRESH = "SET SESSION information_schema_stats_expiry = 0"
"""Statement for MySQL alone; MariaDB caches no statistics and has no such variable."""

SIZE = """
SELECT CAST(SUM(DATA_LENGTH + INDEX_LENGTH) AS SIGNED) FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN %s
"""

AGE = "UPDATE campaigns SET finished_at = NOW(6) - INTERVAL 2 DAY WHERE id = %s"

LEDGER = tuple(f"messages_{shard}" for shard in range(SHARDS))

COMMANDS = {"check": ("check",), "purge": ("purge", "--older-than", "1d")}


@click.command("upkeep")
@click.option("--rows", default=1_000_000, show_default=True)
@measuring_options
def upkeep(measuring: Measuring, rows: int) -> None:
    """Bytes of a recipient, an outcome and a record; rates of campaign-db check and purge."""

    def measure(site: Site, show: Show) -> Run:
        return send_and_tidy(site, rows, show)

    measuring.measure("upkeep", [Case(f"{rows:,} rows", measure, {"rows": rows})])


def send_and_tidy(site: Site, rows: int, show: Show) -> Run:
    """Send a campaign, measure its storage, check its counters and purge it."""
    run = Run()
    with site.system(senders=1) as system, site.connection() as cursor:
        before = size_of_topic(site)
        campaign = system.draft(list_on(site, system, rows, show))
        system.change(campaign, "start")
        system.follow(rows, campaign, lambda n: show("sending", n, rows))
        system.wait_for_state(campaign)
        run.note("recipient in the database", size_of(cursor, ("recipients",)) / rows, "bytes")
        run.note("outcome in the database", size_of(cursor, LEDGER) / rows, "bytes")
        if site.servers:
            run.note("record in Kafka", (size_of_topic(site) - before) / rows, "bytes")
        cursor.execute(AGE, (campaign,))
        config = site.configuration()
        for name, words in COMMANDS.items():
            show(name, 0, 1)
            began = time.monotonic()
            subprocess.run(
                [Path(sys.executable).parent / "campaign-db", *words, "-c", config],
                check=True,
                capture_output=True,
            )
            run.note(f"{name}: rate", rows / (time.monotonic() - began), "rows/s")
    return run


def size_of(cursor: pymysql.cursors.Cursor, tables: tuple[str, ...]) -> int:
    """Return the bytes of tables and their indexes."""
    cursor.execute("SHOW SESSION VARIABLES LIKE 'information_schema_stats_expiry'")
    if cursor.fetchall():
        cursor.execute(FRESH)
    for table in tables:
        cursor.execute(ANALYZE.format(table=table))
    cursor.execute(SIZE, (tables,))
    ((size,),) = cursor.fetchall()
    return int(size)


def size_of_topic(site: Site) -> int:
    """Return the bytes of the topic's records on a broker of the benchmark."""
    logs = site.addresses.folder.rglob(f"{site.addresses.topic}-*/*.log")
    return sum(log.stat().st_size for log in logs)
