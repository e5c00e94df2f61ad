"""From the acknowledgement of a pause or a cancellation to the last call of the provider."""

import time

import click

from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run, note_latencies
from benchmarks.scenarios.sending import list_on
from benchmarks.sink import boot_time
from benchmarks.sink_process import SinkProcess, running_sink
from benchmarks.site import Site
from benchmarks.system import System

QUIET = 2.5
"""Seconds without a call after which no more will come; senders check every 0.3 s."""

AT_FULL_RATE = 1.5
"""Seconds of calls at full rate before the pause or the cancellation."""

VERBS = {"pause": "pause to silence", "cancel": "cancel to silence"}


@click.command("silence")
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--times", default=10, show_default=True, help="Stops in each repeat.")
@click.option("--senders", default=1, show_default=True)
@measuring_options
def silence(measuring: Measuring, rows: int, times: int, senders: int) -> None:
    """From the answer to a pause or a cancel to the last call, at full rate."""
    measuring.measure("silence", [case(verb, rows, times, senders) for verb in VERBS])


def case(verb: str, rows: int, times: int, senders: int) -> Case:
    """Make the case of one verb."""

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        with running_sink(0.0) as sink, site.system(senders, sink.settings()) as system:
            list_id = list_on(site, system, rows, show)
            campaign = 0
            silences, rates = [], []
            for n in range(times):
                show(verb, n, times)
                if verb == "cancel" or not campaign:
                    campaign = system.draft(list_id)
                    system.change(campaign, "start")
                else:
                    system.change(campaign, "resume")
                rates.append(full_rate(sink))
                silences.append(stop(system, sink, campaign, verb))
            if verb == "pause":
                system.change(campaign, "cancel")
        note_latencies(run, VERBS[verb], silences)
        run.note("rate before", sum(rates) / times, "msg/s")
        site.clear_ledger()
        return run

    label = f"{verb} at full rate, {times} times, sink that answers at once"
    return Case(label, measure, {"verb": verb, "rows": rows, "senders": senders})


def full_rate(sink: SinkProcess) -> float:
    """Wait until calls have been made for a while; return their rate a second."""
    before = sink.status()["calls"]
    while sink.status()["calls"] == before:
        time.sleep(0.02)
    began, first = time.monotonic(), sink.status()["calls"]
    while time.monotonic() < began + AT_FULL_RATE:
        time.sleep(0.05)
    calls: int = sink.status()["calls"] - first
    return calls / (time.monotonic() - began)


def stop(system: System, sink: SinkProcess, campaign: int, verb: str) -> float:
    """Pause or cancel; return the milliseconds from the answer to the last call, at least 0."""
    system.change(campaign, verb)
    acknowledged = boot_time()
    while boot_time() < max(sink.status()["last"], acknowledged) + QUIET:
        time.sleep(0.1)
    return float(max(sink.status()["last"] - acknowledged, 0.0) * 1000)
