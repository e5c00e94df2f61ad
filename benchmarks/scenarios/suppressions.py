"""Imports of suppressions into an empty table and into a full one, and the looks of a sender."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import pymysql
import requests

from benchmarks.filling import NUMBERS, PIECE
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run, note_latencies
from benchmarks.sampling import grouped, sampled
from benchmarks.scenarios.imports import COST, ROWS, pieces
from benchmarks.site import Site
from benchmarks.system import ANSWER_SECONDS, SHARDS, System
from campaign_common.domain.suppressions.change_log_position import longest_transaction
from campaign_common.store.messages.send_view import (
    SHORTEST_PAUSE,
    ChangesWanted,
    Wanted,
    read_view,
)
from campaign_common.store.suppressions.lookup import look_up_suppressed

GROUPS = ("api", "database")

FIRST_NUMBER, SPAN = 13_000_000_000, 10**9
"""The numbers of the table and of the file are spread over a span."""

FILL = f"""
INSERT IGNORE INTO suppressions (phone, scope, reason, source, since)
SELECT {FIRST_NUMBER} + %s * n, '*', 'import', 'benchmark', NOW(6) FROM (
  SELECT %s + t0.d + 10 * t1.d + 100 * t2.d + 1000 * t3.d + 10000 * t4.d AS n FROM {NUMBERS}
) numbers ORDER BY n
"""

TRAN_TIMEOUT = 10.0

BUFFER_POOL = "--innodb-buffer-pool-size=2G"
"""Holds the table; in the 512 MB of other scenarios ten million rows are read from disk again."""

BATCH, BATCHES = 4_000, 50
"""Messages of a fetched batch, and batches that are looked up."""

EVERYTHING_EVERY = 20
"""Looks of which one looks up all that is held, as after the end of an import."""


@click.command("suppressions")
@click.option("--rows", default=1_000_000, show_default=True, help="Rows of the file.")
@click.option(
    "--existing",
    default=10_000_000,
    show_default=True,
    help="Suppressions before the second case; 0 leaves it out.",
)
@click.option("--held", default=10_000, show_default=True, help="Messages that a sender holds.")
@measuring_options
def suppressions(measuring: Measuring, rows: int, existing: int, held: int) -> None:
    """Import suppressions by HTTP while a sender looks at them; then look batches up."""
    choice = replace(measuring.choice, database_options=(BUFFER_POOL,))
    before = (0, existing) if existing else (0,)
    measuring.measure("suppressions", [case(rows, number, held) for number in before], choice)


def case(rows: int, existing: int, held: int) -> Case:
    """Make the case of a number of suppressions that are there before."""
    random_numbers = random.Random(17)  # noqa: S311 - a benchmark

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        show("filling", 0, 1)
        with site.connection() as cursor:
            fill(cursor, existing)
        file = site.csv_root / "suppressions.csv"
        write_numbers(file, random_numbers.sample(range(SPAN), rows))
        with site.system(senders=0) as system:
            show("importing", 0, 1)
            people = numbers_of(random_numbers, held)
            with looking(site, people) as looks, sampled(system.processes()) as usage:
                began = time.monotonic()
                accepted = upload(system, file)
                seconds = time.monotonic() - began
            if accepted != rows:
                raise RuntimeError(f"{accepted:,} of {rows:,} rows were accepted")
            run.note("rate", rows / seconds, ROWS)
            for name, used in grouped(usage.seconds, GROUPS).items():
                run.note(f"processor: {name}", used / rows * 1e6, COST)
            run.processor, run.memory = usage.cores, usage.memory
            for name, points in usage.memory.items():
                run.note(f"memory: {name}", max(megabytes for _, megabytes in points), "MB")
            note_latencies(run, "look", looks.views)
            note_latencies(run, f"look at {held:,} held messages", looks.everything)
            show("looking up", 0, 1)
            look_up(site, system, run, random_numbers)
        return run

    label = f"{rows:,} rows into {existing:,}"
    return Case(label, measure, {"rows": rows, "existing": existing, "held": held})


def fill(cursor: pymysql.cursors.Cursor, number: int) -> None:
    """Leave so many suppressions in the table, or a few more; sorted, which is quick."""
    cursor.execute("SELECT COUNT(*) FROM suppressions")
    ((there,),) = cursor.fetchall()
    if 0 < number <= there:
        return
    cursor.execute("TRUNCATE suppressions")
    for start in range(0, number, PIECE):
        cursor.execute(FILL, (SPAN // number, start))


def write_numbers(file: Path, numbers: list[int]) -> None:
    """Write a file whose one column are numbers of the span."""
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write("phone\n")
        out.writelines(f"{FIRST_NUMBER + number}\n" for number in numbers)


def numbers_of(source: random.Random, number: int) -> list[str]:
    """Return numbers of the span, suppressed or not."""
    return [str(FIRST_NUMBER + source.randrange(SPAN)) for _ in range(number)]


def upload(system: System, file: Path) -> int:
    """Import the file; return how many rows were accepted."""
    answer = requests.post(
        f"{system.url}/v1/suppressions.csv",
        data=b"".join(pieces(file)),
        headers={"Content-Type": "text/csv"},
        timeout=ANSWER_SECONDS,
    )
    if answer.status_code != requests.codes.ok:
        raise RuntimeError(f"refused ({answer.status_code}): {answer.text}")
    return int(answer.json()["accepted"])


class Looks(threading.Thread):
    """The looks of a sender that holds messages to some people, and how long each takes, in ms."""

    def __init__(self, site: Site, people: list[str]) -> None:
        super().__init__(daemon=True)
        self._site = site
        self._people = people
        self._stopped = threading.Event()
        self._settled: int | None = None
        self.views: list[float] = []
        self.everything: list[float] = []
        self.error: Exception | None = None

    def stop(self) -> None:
        """End the thread, and raise what it has failed with."""
        self._stopped.set()
        self.join()
        if self.error is not None:
            raise self.error

    def run(self) -> None:
        """Look until the thread is stopped."""
        try:
            with self._site.connection() as cursor:
                while not self._stopped.wait(SHORTEST_PAUSE):
                    began = time.perf_counter()
                    self._read(cursor)
                    self.views.append((time.perf_counter() - began) * 1_000)
                    if len(self.views) % EVERYTHING_EVERY == 1:
                        began = time.perf_counter()
                        look_up_suppressed(cursor, self._people)
                        self.everything.append((time.perf_counter() - began) * 1_000)
        except Exception as error:  # noqa: BLE001 - raised again where the thread is joined
            self.error = error

    def _read(self, cursor: pymysql.cursors.Cursor) -> None:
        changes = ChangesWanted(self._settled, longest_transaction(TRAN_TIMEOUT))
        topic = self._site.addresses.topic
        view = read_view(
            cursor, Wanted(range(SHARDS), (), topic, claims=True, suppressions=changes)
        )
        if self._settled is None and view.suppressions is not None:
            self._settled = view.suppressions.settled


@contextmanager
def looking(site: Site, people: list[str]) -> Iterator[Looks]:
    """Look as a sender does during the block."""
    looks = Looks(site, people)
    looks.start()
    try:
        yield looks
    finally:
        looks.stop()


def look_up(site: Site, system: System, run: Run, source: random.Random) -> None:
    """Look batches up as a sender does at admission; the sender is this process."""
    batches = [numbers_of(source, BATCH) for _ in range(BATCHES)]
    with site.connection() as cursor:
        look_up_suppressed(cursor, batches[0])
        own = time.thread_time()
        with sampled(system.processes()) as usage:
            for people in batches:
                look_up_suppressed(cursor, people)
        own = time.thread_time() - own
    messages = BATCH * BATCHES
    run.note("look-up: sender", own / messages * 1e6, "µs/message")
    database = grouped(usage.seconds, ("database",)).get("database", 0.0)
    run.note("look-up: database", database / messages * 1e6, "µs/message")
