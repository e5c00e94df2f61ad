"""The part of a provider's rate that senders use while they have enough to send."""

import time

import click

from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.scenarios.sending import counted, list_on
from benchmarks.sink_process import running_sink
from benchmarks.site import Site

SETTLING = 3.0
"""Seconds after the first call."""


@click.command("rate-kept")
@click.option("--rate", multiple=True, default=(50, 500), show_default=True, help="Per second.")
@click.option("--senders", multiple=True, default=(1, 4), show_default=True)
@click.option("--seconds", default=30.0, show_default=True)
@measuring_options
def rate_kept(
    measuring: Measuring, rate: tuple[int, ...], senders: tuple[int, ...], seconds: float
) -> None:
    """Send by HTTP to a provider with a limit, and count calls: the part of the rate in use."""
    cases = [case(each, number, seconds) for each in rate for number in senders]
    measuring.measure("rate-kept", cases)


def case(rate: int, senders: int, seconds: float) -> Case:
    """Make the case of one rate."""
    rows = int(rate * (seconds + 30))

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        with running_sink(0.05) as sink:
            settings = sink.settings(Limits={"PerSecond": rate})
            with site.system(senders, settings) as system:
                list_id = list_on(site, system, rows, show)
                campaign = system.draft(list_id)
                system.change(campaign, "start")
                while not sink.status()["calls"]:
                    time.sleep(0.1)
                time.sleep(SETTLING)
                began, before = time.monotonic(), sink.status()["calls"]
                while time.monotonic() < began + seconds:
                    show("sending", time.monotonic() - began, seconds)
                    time.sleep(0.1)
                took, calls = time.monotonic() - began, sink.status()["calls"] - before
                system.change(campaign, "cancel")
        run.note("calls", calls / took, "/s")
        run.note("share of the rate", calls / took / rate, "share")
        site.clear_ledger()
        return run

    label = f"{rate}/s, {counted(senders, 'sender')}"
    return Case(label, measure, {"rate": rate, "senders": senders})
