"""(h) A sender is killed at full rate, and started again as an orchestrator does."""

import os
import signal
import threading
import time
from itertools import takewhile

import click

from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Points, Run, rates
from benchmarks.scenarios.sending import list_on
from benchmarks.site import Site

SETTLED = 0.9
"""Of the rate before: what counts as the full rate."""

SPAN = 2.0
"""Seconds that a rate is taken over: outcomes come in batches."""

BEFORE = 5.0
"""Seconds before the kill that its rate is compared with."""

VICTIM = "campaign-sender-1"


@click.command("recovery")
@click.option("--rows", default=3_000_000, show_default=True)
@click.option("--senders", default=2, show_default=True)
@measuring_options
def recovery(measuring: Measuring, rows: int, senders: int) -> None:
    """From kill -9 of a sender back to nine tenths of the rate."""
    label = f"{rows:,} rows, {senders} senders, one killed"

    def measure(site: Site, show: Show) -> Run:
        return kill_once(site, rows, senders, show)

    measuring.measure("recovery", [Case(label, measure, {"rows": rows, "senders": senders})])


def kill_once(site: Site, rows: int, senders: int, show: Show) -> Run:
    """Send a campaign, and kill one of its senders after a third of it."""
    run = Run()
    with site.system(senders) as system:
        campaign = system.draft(list_on(site, system, rows, show))
        system.change(campaign, "start")
        began = time.monotonic()
        killing = threading.Event()
        at: list[float] = []

        def watch(done: int) -> None:
            show("sending", done, rows)
            if done > rows / 3 and not killing.is_set():
                os.kill(system.services.processes[VICTIM], signal.SIGKILL)
                killing.set()
                at.append(time.monotonic() - began)
            elif killing.is_set():
                system.services.revive()

        points = system.follow(rows, campaign, watch)
        note_recovery(run, points, at[0])
        system.wait_for_state(campaign)
    site.clear_ledger()
    return run


def note_recovery(run: Run, points: Points, killed: float) -> None:
    """Note how long the rate stayed below nine tenths of what it was."""
    run.throughput = rates(points)
    before = slope(points, killed - BEFORE, killed)
    # The last stretch is short of work.
    moving = [(at, slope(points, at - SPAN, at)) for at, _ in points if killed + SPAN <= at]
    ends = points[-1][0] - SPAN
    low = [at for at, rate in moving if at < ends and rate < SETTLED * before]
    whole = list(takewhile(lambda at: at < ends, (at for at, _ in moving)))
    run.note("rate before", before, "msg/s")
    run.note("lowest rate after", min((r for at, r in moving if at < ends), default=0), "msg/s")
    run.note("seconds to nine tenths of it", (max(low) - killed) if low else 0.0, "s")
    run.note("watched afterwards", (whole[-1] - killed) if whole else 0.0, "s")


def slope(points: Points, start: float, stop: float) -> float:
    """Return the rate between two moments."""
    within = [point for point in points if start <= point[0] <= stop]
    if len(within) < 2:
        return 0.0
    (first, few), (last, many) = within[0], within[-1]
    return (many - few) / (last - first)
