"""Scenario `callbacks`: reports of a gateway, singly and in hundreds, until they are committed."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from benchmarks.filling import fill
from benchmarks.gateway import PROVIDER, SECRET, SIGNING, Order, Report
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run, note_latencies
from benchmarks.sampling import grouped, sampled
from benchmarks.site import Site
from benchmarks.system import SHARDS
from local_stack.distributions.cache import REPOSITORY

CAMPAIGN = 1
MEMBERS_IN_STEPS_OF = 100_000

WARMING = 2_000
"""Reports before the measured ones: connections to the database are made, and code is warm."""

GROUPS = ("api", "database", "gateway", "scheduler")

TABLES = (*(f"receipts_{shard}" for shard in range(SHARDS)), "receipt_counters", "open_receipts")

NOWHERE = "http://127.0.0.1:1/send"

CALLBACKS: Mapping[str, Any] = {
    "BaseUrl": "https://camp.example.com",
    "Secrets": [{"Value": SECRET}],
}

KANNEL: Mapping[str, Any] = {
    "Preset": "kannel",
    "Url": NOWHERE,
    "Secrets": {"username": {"Value": "u"}, "password": {"Value": "p"}},
}

INFOBIP: Mapping[str, Any] = {
    "Preset": "infobip",
    "Url": NOWHERE,
    "Secrets": {"api_key": {"Value": "k"}, "signing": {"Value": SIGNING}},
    "Callbacks": {"Verify": "hmac", "Header": "X-Signature", "Secrets": ["{secret.signing}"]},
}


@click.command("callbacks")
@click.option("--singly", default=20_000, show_default=True, help="Webhooks with one report.")
@click.option("--hundreds", default=1_000, show_default=True, help="Webhooks with 100 reports.")
@click.option("--rate", default=2_000.0, show_default=True, help="Paced webhooks a second.")
@click.option("--connections", default=128, show_default=True, help="Of the gateway.")
@measuring_options
def callbacks(
    measuring: Measuring, singly: int, hundreds: int, rate: float, connections: int
) -> None:
    """Webhooks of one report and of 100 reports, with the processor time of each process."""
    measuring.measure(
        "callbacks",
        [
            case(singly, 1, connections, None),
            case(singly, 1, connections, rate),
            case(hundreds, 100, connections // 8, None),
        ],
    )


def case(requests: int, reports: int, connections: int, rate: float | None) -> Case:
    """Make the case of a number of webhooks, and of reports in each."""

    def measure(site: Site, show: Show) -> Run:
        order = Order(
            port=0,
            campaign=CAMPAIGN,
            shards=SHARDS,
            first_seq=1,
            requests=requests,
            reports=reports,
            connections=connections,
            rate=rate,
        )
        return report_once(site, show, order)

    pace = "at full speed" if rate is None else f"{rate:,g} a second"
    label = f"{requests:,} webhooks, {reports} reports in each, {connections} connections, {pace}"
    parameters = {"reports": reports, "rate": rate, "connections": connections}
    return Case(label, measure, parameters)


def report_once(site: Site, show: Show, order: Order) -> Run:
    """Report about the messages of a finished campaign."""
    run = Run()
    gateway = KANNEL if order.reports == 1 else INFOBIP
    settings = {"Callbacks": CALLBACKS, "Providers": {PROVIDER: gateway}, "Provider": PROVIDER}
    warming = msgspec.structs.replace(order, requests=WARMING // order.reports, rate=None)
    measured = order.requests * order.reports
    with site.system(senders=0, settings=settings) as system:
        if not site.imported:
            show("filling", 0, 1)
            steps = (measured + WARMING) // MEMBERS_IN_STEPS_OF + 1
            fill(system.cursor, steps * MEMBERS_IN_STEPS_OF, 1)
            system.cursor.execute("UPDATE campaigns SET provider = %s", (PROVIDER,))
            site.imported = True
        for table in TABLES:
            system.cursor.execute(f"TRUNCATE {table}")
        port = urlsplit(system.url).port or 0
        show("reporting", 0, 1)
        with reporting(msgspec.structs.replace(warming, port=port)) as finish:
            finish()
        first = WARMING + 1
        own = msgspec.structs.replace(order, port=port, first_seq=first)
        with reporting(own) as finish, sampled(system.processes()) as usage:
            report = finish()
        system.cursor.execute("SELECT SUM(n) FROM receipt_counters")
        ((stored,),) = system.cursor.fetchall()
    if report.refused or stored != measured + WARMING:
        raise RuntimeError(f"{report.refused} refused, {stored} stored of {measured + WARMING}")
    run.note("rate", order.requests / report.seconds, "webhooks/s")
    run.note("reports", measured / report.seconds, "reports/s")
    note_latencies(run, "answer", report.milliseconds)
    for group, seconds in grouped({**usage.seconds, "gateway": report.processor}, GROUPS).items():
        run.note(f"processor: {group}", seconds / order.requests * 1e6, "us/webhook")
    run.processor = usage.cores
    run.memory = usage.memory
    return run


@contextmanager
def reporting(order: Order) -> Iterator["Finish"]:
    """Prepare a gateway; it sends when it is told to finish."""
    command = [sys.executable, "-m", "benchmarks.gateway"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    ) as process:
        try:
            finish = Finish(process)
            finish.say(msgspec.json.encode(order).decode())
            finish.hear()
            yield finish
        finally:
            process.kill()


class Finish:
    """The end of a gateway's input and output here; called, it lets the gateway send."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self) -> Report:
        """Send all, and return what was answered."""
        self.say("go")
        return msgspec.json.decode(self.hear(), type=Report)

    def say(self, line: str) -> None:
        """Write a line to the gateway."""
        if self._process.stdin is None:
            raise RuntimeError("the gateway has no input")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """Read a line of the gateway.

        Raises:
            RuntimeError: it has ended.
        """
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the gateway has ended")
        return line
