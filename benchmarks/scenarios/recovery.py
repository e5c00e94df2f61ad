"""A sender is killed at full rate, and started again as an orchestrator does."""

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
"""Share of the rate before the kill that counts as the full rate."""

SPAN = 2.0
"""Seconds that each rate covers, because outcomes come in batches."""

BEFORE = 5.0
"""Seconds before the kill whose rate is the reference."""

COUNTED = 0.95
"""Share of a campaign, from its beginning, that is evaluated."""

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
    """Note the time that the rate stayed below nine tenths of the rate before.

    Since a rate fluctuates, the longest stretch below counts. The last part of the campaign is
    left out, because its rate falls as less is left to send.
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
    """List the stretches of a rate below `least`, and at least one stretch of no length."""
    found = [(0.0, 0.0)]
    for is_low, group in groupby(rates_after, lambda point: point[1] < least):
        moments = [at for at, _ in group]
        if is_low:
            found.append((moments[0], moments[-1]))
    return found
