"""Requests for a whole list: a dry run, and the export of the messages."""

import time
from collections.abc import Callable, Mapping
from functools import partial

import click
import requests

from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.sampling import Family, PeakMemory
from benchmarks.scenarios.sending import list_on
from benchmarks.site import Site
from benchmarks.system import ANSWER_SECONDS, System

PIECE = 2**20

API = "campaign-api"


@click.command("whole-list")
@click.option("--rows", default=1_000_000, show_default=True)
@measuring_options
def whole_list(measuring: Measuring, rows: int) -> None:
    """Time and memory of a dry run and of an export."""

    def measure(site: Site, show: Show) -> Run:
        return ask_once(site, rows, show)

    measuring.measure("whole-list", [Case(f"{rows:,} rows", measure, {"rows": rows})])


def ask_once(site: Site, rows: int, show: Show) -> Run:
    """Send a campaign, then export its messages and dry-run a copy of it."""
    run = Run()
    with site.system(senders=1) as system:
        campaign = system.draft(list_on(site, system, rows, show))
        system.change(campaign, "start")
        system.follow(rows, campaign, lambda n: show("sending", n, rows))
        system.wait_for_state(campaign)
        for name, ask in REQUESTS.items():
            show(name, 0, 1)
            process = system.services.processes[API]
            family = Family(process)
            with PeakMemory({API: process}) as peak:
                began, used = time.monotonic(), family.processor_seconds()
                seen = ask(system, campaign)
                seconds = time.monotonic() - began
                used = family.processor_seconds() - used
            if seen != rows:
                raise RuntimeError(f"the {name} saw {seen:,} of {rows:,} rows")
            run.note(f"{name}: rate", rows / seconds, "rows/s")
            run.note(f"{name}: processor time of the api", used / rows * 1e6, "µs/row")
            run.note(f"{name}: memory of the api", peak.megabytes[API], "MB")
    site.clear_ledger()
    return run


def export(system: System, campaign: int) -> int:
    """Read the export piece by piece; return its number of messages."""
    url = f"{system.url}/v1/campaigns/{campaign}/messages.csv"
    with requests.get(url, stream=True, timeout=ANSWER_SECONDS) as answer:
        answer.raise_for_status()
        pieces: Callable[[], bytes] = partial(answer.raw.read, PIECE)
        return sum(piece.count(b"\n") for piece in iter(pieces, b"")) - 1


def dry_run(system: System, campaign: int) -> int:
    """Dry-run a copy of the campaign; return the number of rows."""
    copy = system.post(f"/v1/campaigns/{campaign}/clone")["id"]
    return int(system.post(f"/v1/campaigns/{copy}/dry-run")["rows"])


REQUESTS: Mapping[str, Callable[[System, int], int]] = {"export": export, "dry run": dry_run}
