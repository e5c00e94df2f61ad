"""How long reads take with ten million outcomes stored, idle and while a campaign sends.

    PYTHONPATH=deploy .venv/bin/python benchmarks/reads.py

Starts a local stack of its own, fills the ledger by INSERT … SELECT, and then asks for a
campaign's progress, for everything one person was sent, and for a page of messages, by HTTP from
threads of this process. Ends with exit code 1 when a 99th percentile is over the bound.
"""

import http.client
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import click
import psutil
import pymysql
from rich.console import Console
from rich.table import Table

from campaign_common.api_key import ApiKey, Scope
from campaign_common.dsn import parse_dsn
from campaign_common.store.api_keys import insert_key
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.scratch import scratch_folder
from local_stack.services import Plan, running_services
from local_stack.stack import Stack

BOUND_MS = 20.0
"""Milliseconds at the 99th percentile, for each kind of read that has a target."""

BOUNDED = ("progress", "one person")

SHARDS = 8
LIST = 1
SENDING = 1_000
"""The id of the campaign that sends while reads are measured."""

FIRST_PHONE = 13_900_000_000

NUMBERS = " CROSS JOIN ".join(
    f"(SELECT 0 d UNION ALL {' UNION ALL '.join(f'SELECT {n}' for n in range(1, 10))}) t{place}"
    for place in range(5)
)
"""A table of 100,000 rows with the digits t0.d to t4.d."""

INSERT_PEOPLE = f"""
INSERT INTO recipients (list_id, seq, phone, name)
SELECT {LIST}, n, {FIRST_PHONE} + n, CONCAT('user', n) FROM (
  SELECT %s + 1 + t0.d + 10 * t1.d + 100 * t2.d + 1000 * t3.d + 10000 * t4.d AS n FROM {NUMBERS}
) numbers ORDER BY n
"""

INSERT_LIST = f"""
INSERT INTO recipient_lists (id, name, state, attribute_columns, accepted, last_seq, created_at,
                             progressed_at)
VALUES ({LIST}, 'people', 'ready', '[]', %s, %s, NOW(6), NOW(6))
"""

INSERT_CAMPAIGN = f"""
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, scheduled_at, epoch,
                       shards, last_seq, total, fanned_seq, fanned_count, created_at, started_at)
VALUES (%s, 'bench', 'hi {{name}}', {LIST}, 'at_least_once', 'simulated', %s, NOW(6), 1, {SHARDS},
        %s, %s, 0, 0, NOW(6), NOW(6) - INTERVAL 1 DAY)
"""

MEMBERS = f"""
CREATE TEMPORARY TABLE members (PRIMARY KEY (seq)) SELECT seq FROM recipients
WHERE list_id = {LIST} AND CRC32(phone) %% {SHARDS} = %s
"""

INSERT_OUTCOMES = """
INSERT INTO messages_{shard} (campaign_id, seq, status, generation, try_number, attempts,
                              provider_message_id, sent_at)
SELECT %s, seq, 1, 0, 1, 1, CONCAT('sim-', seq), NOW(6) FROM members ORDER BY seq
"""

INSERT_COUNT = """
INSERT INTO campaign_counters (campaign_id, shard, status, n)
SELECT %s, %s, 1, COUNT(*) FROM members
"""

Times = dict[str, list[float]]
"""Milliseconds by kind of read."""


class Client:
    """One connection to the API, with the key of a user."""

    def __init__(self, url: str, key: ApiKey) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._headers = {"Authorization": f"Bearer {key.token}"}

    def get(self, path: str) -> bytes:
        """Get a path; anything but a 200 ends the benchmark."""
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"GET {path}: {response.status} {body[:500]!r}")
        return body

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


Connect = Callable[[], Client]


@click.command()
@click.option("--people", default=2_000_000, show_default=True, help="In steps of 100,000.")
@click.option("--campaigns", default=5, show_default=True, help="Finished ones, one row a person.")
@click.option("--rate", default=15.0, show_default=True, help="Reads of each kind a second.")
@click.option("--idle-seconds", default=20.0, show_default=True)
@click.option("--database", type=click.Choice(["mariadb", "mysql"]), default="mariadb")
@click.option(
    "--memory",
    default="3G",
    show_default=True,
    help="InnoDB's buffer pool; what it does not hold is read from a disk that commits keep busy.",
)
def main(
    people: int, campaigns: int, rate: float, idle_seconds: float, database: str, memory: str
) -> None:
    """Measure reads on a large ledger, idle and under load."""
    console = Console()
    with scratch_folder("reads") as folder:
        plan = Plan(port=free_port(), senders=1, csv_root=folder)
        cache = Cache.from_environment()
        with (
            Stack(
                folder,
                cache,
                flavour="mysql" if database == "mysql" else "mariadb",
                database_options=[f"--innodb-buffer-pool-size={memory}"],
            ) as stack,
            running_services(stack.addresses, plan) as services,
            connected(stack.database.dsn) as cursor,
        ):
            fill(cursor, people, campaigns, console)
            cursor.execute(INSERT_CAMPAIGN, (SENDING, "draft", people, people))
            paths = reads(people, campaigns)
            key = ApiKey.generate()
            insert_key(cursor, key.id, "benchmark", Scope.READ, key.digest())
            connect = partial(Client, services.url, key)
            idle = measure(connect, paths, rate, Seconds(idle_seconds).over)
            start_sending(cursor)
            wait_for_first(cursor)
            processor = ProcessorShare()
            began = time.monotonic()
            busy = measure(connect, paths, rate, partial(finished, connect))
            seconds = time.monotonic() - began
            foreign = processor.of_others()
    console.print(
        f"{people * campaigns:,} outcomes on {database}; meanwhile sent {people:,} messages in"
        f" {seconds:.1f} s ({people / seconds:,.0f}/s), while other programs used"
        f" {foreign:.0%} of the processor"
    )
    console.print(table(idle, busy), width=None if console.is_terminal else 100)
    if any(percentile(busy[kind]) > BOUND_MS for kind in BOUNDED):
        raise SystemExit(1)


class Seconds:
    """A time that is over some seconds after it was made."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def over(self) -> bool:
        """Tell whether it is over."""
        return time.monotonic() >= self._until


class ProcessorShare:
    """How much of the machine's processors programs use that are not this benchmark's."""

    def __init__(self) -> None:
        self._own = own_seconds()
        self._busy, self._idle = machine_seconds()

    def of_others(self) -> float:
        """Return their share since this was made, 0 to 1."""
        busy, idle = machine_seconds()
        own = own_seconds() - self._own
        return max(busy - self._busy - own, 0.0) / (busy - self._busy + idle - self._idle)


def own_seconds() -> float:
    """Sum the processor time of this process and all below it."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in family)


def machine_seconds() -> tuple[float, float]:
    """Return the processor time that was used, and that was not, since the machine started."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return sum(times) - idle, idle


@contextmanager
def connected(dsn: str) -> Iterator[pymysql.cursors.Cursor]:
    """Connect without the bounds that services put on their statements."""
    server = parse_dsn(dsn)
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield cursor


def fill(cursor: pymysql.cursors.Cursor, people: int, campaigns: int, console: Console) -> None:
    """Store a list, finished campaigns that were sent to it, and their outcomes."""
    began = time.monotonic()
    for start in range(0, people, 100_000):
        cursor.execute(INSERT_PEOPLE, (start,))
    cursor.execute(INSERT_LIST, (people, people))
    for campaign_id in range(1, campaigns + 1):
        cursor.execute(INSERT_CAMPAIGN, (campaign_id, "finished", people, people))
    for shard in range(SHARDS):
        cursor.execute(MEMBERS, (shard,))
        for campaign_id in range(1, campaigns + 1):
            cursor.execute(INSERT_OUTCOMES.format(shard=shard), (campaign_id,))
            cursor.execute(INSERT_COUNT, (campaign_id, shard))
        cursor.execute("DROP TEMPORARY TABLE members")
    seconds = time.monotonic() - began
    rows = people * campaigns
    console.print(f"{rows:,} outcomes stored by INSERT … SELECT in {seconds:.0f} s")


def reads(people: int, campaigns: int) -> Mapping[str, Callable[[], str]]:
    """Name the reads that are measured: what makes the path of each."""
    anybody = random.Random(1)  # noqa: S311 - spreads the reads over the index
    return {
        "progress": lambda: f"/v1/campaigns/{SENDING}/progress",
        "one person": lambda: f"/v1/messages?phone={FIRST_PHONE + anybody.randint(1, people)}",
        "page of 100": lambda: f"/v1/campaigns/{anybody.randint(1, campaigns)}/messages",
        "stats": lambda: "/v1/stats",
    }


def start_sending(cursor: pymysql.cursors.Cursor) -> None:
    """Let the campaign that was a draft until now be due."""
    cursor.execute(
        "UPDATE campaigns SET state = 'scheduled', scheduled_at = NOW(6) WHERE id = %s", (SENDING,)
    )


def wait_for_first(cursor: pymysql.cursors.Cursor) -> None:
    """Wait until the campaign sends."""
    sent = 0
    while not sent:
        sent = cursor.execute(
            "SELECT n FROM campaign_counters WHERE campaign_id = %s LIMIT 1", (SENDING,)
        )
        time.sleep(0.05)


def finished(connect: Connect) -> bool:
    """Tell whether the campaign has been sent."""
    client = connect()
    state = json.loads(client.get(f"/v1/campaigns/{SENDING}"))["state"]
    client.close()
    return bool(state == "finished")


def measure(
    connect: Connect, paths: Mapping[str, Callable[[], str]], rate: float, over: Callable[[], bool]
) -> Times:
    """Read from a thread for each kind, at a steady rate, until it is `over`."""
    times: Times = {kind: [] for kind in paths}
    stop = threading.Event()
    threads = [
        threading.Thread(target=read_on, args=(connect(), path, 1 / rate, times[kind], stop))
        for kind, path in paths.items()
    ]
    for thread in threads:
        thread.start()
    while not over():
        time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    return times


def read_on(
    client: Client, path: Callable[[], str], pause: float, times: list[float], stop: threading.Event
) -> None:
    """Ask again and again over one connection, and note the milliseconds of each answer."""
    while not stop.wait(pause):
        wanted = path()
        began = time.perf_counter()
        client.get(wanted)
        times.append((time.perf_counter() - began) * 1_000)
    client.close()


def percentile(milliseconds: list[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(milliseconds, n=100, method="inclusive")[98]


def table(idle: Times, busy: Times) -> Table:
    """Put the figures of both runs beside each other."""
    shown = Table("read", "idle", "median ms", "p99 ms", "sending", "median ms", "p99 ms", "bound")
    for kind, before in idle.items():
        cells = [
            cell
            for times in (before, busy[kind])
            for cell in (
                str(len(times)),
                f"{statistics.median(times):.1f}",
                f"{percentile(times):.1f}",
            )
        ]
        shown.add_row(kind, *cells, f"{BOUND_MS:.0f}" if kind in BOUNDED else "")
    return shown


if __name__ == "__main__":
    main()
