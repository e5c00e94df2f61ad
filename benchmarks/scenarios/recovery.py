"""(h) A sender is killed at full rate, and started again as an orchestrator does."""

import os
import signal
import time
from dataclasses import replace
from itertools import groupby

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

COUNTED = 0.95
"""Of a campaign, from its beginning, is looked at."""

VICTIM = "campaign-sender-1"


@click.command("recovery")
@click.option("--rows", default=3_000_000, show_default=True)
@click.option("--senders", default=2, show_default=True)
@click.option(
    "--session",
    multiple=True,
    default=(5.0, 10.0),
    show_default=True,
    help="Seconds after which the broker, when it is ours, calls a sender lost.",
)
@measuring_options
def recovery(measuring: Measuring, rows: int, senders: int, session: tuple[float, ...]) -> None:
    """From kill -9 of a sender back to nine tenths of the rate."""
    for seconds in session:
        choice = replace(measuring.choice, session_seconds=seconds)
        measuring.measure("recovery", [case(rows, senders, seconds)], choice)


def case(rows: int, senders: int, session: float) -> Case:
    """Make the case of one session timeout, in seconds."""

    def measure(site: Site, show: Show) -> Run:
        return kill_once(site, rows, senders, show)

    label = f"{rows:,} rows, {senders} senders, one killed, session of {session:g} s"
    return Case(label, measure, {"rows": rows, "senders": senders, "session": session})


def kill_once(site: Site, rows: int, senders: int, show: Show) -> Run:
    """Send a campaign, and kill one of its senders after a third of it."""
    run = Run()
    with site.system(senders) as system:
        campaign = system.draft(list_on(site, system, rows, show))
        system.change(campaign, "start")
        began = time.monotonic()
        killed: list[float] = []

        def watch(done: int) -> None:
            show("sending", done, rows)
            if killed:
                system.services.revive()
            elif done > rows / 3:
                os.kill(system.services.processes[VICTIM], signal.SIGKILL)
                killed.append(time.monotonic() - began)

        points = system.follow(rows, campaign, watch)
        note_recovery(run, points, killed[0])
        system.wait_for_state(campaign)
    site.clear_ledger()
    return run


def note_recovery(run: Run, points: Points, killed: float) -> None:
    """Note how long the rate stayed below nine tenths of what it was.

    A rate has its ups and downs: what counts is the longest stretch below. At the end of a
    campaign there is less and less to do, so the last part of it is left out.
    """
    run.throughput = rates(points, SPAN)
    last = next(at for at, done in points if done >= points[-1][1] * COUNTED)
    before = [rate for at, rate in run.throughput if killed - BEFORE <= at <= killed]
    after = [(at, rate) for at, rate in run.throughput if killed < at <= last]
    full = sum(before) / len(before)
    run.note("rate before", full, "msg/s")
    run.note("lowest rate after", min(rate for _, rate in after), "msg/s")
    longest = max(stretches(after, full * SETTLED), key=lambda low: low[1] - low[0])
    run.note("seconds to nine tenths of it", longest[1] - killed if longest[1] else 0.0, "s")
    run.note("watched afterwards", last - killed, "s")


def stretches(rates_after: Points, least: float) -> list[tuple[float, float]]:
    """List from when to when the rate was below `least`; without any, a stretch of no length."""
    found = [(0.0, 0.0)]
    for is_low, group in groupby(rates_after, lambda point: point[1] < least):
        moments = [at for at, _ in group]
        if is_low:
            found.append((moments[0], moments[-1]))
    return found
