"""Scenario `http`: as `send`, but over HTTP to a sink on the same cores."""

import click

from benchmarks.floors.both import Floors
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.scenarios.sending import Sending, counted, send_once
from benchmarks.sink_process import CONNECTIONS, running_sink
from benchmarks.site import Site


@click.command("http")
@click.option("--rows", multiple=True, default=(300_000,), show_default=True)
@click.option("--senders", multiple=True, default=(1, 2), show_default=True)
@click.option("--latency", multiple=True, default=(0.0, 0.05), show_default=True, help="Seconds.")
@click.option(
    "--connections",
    default=1_024,
    show_default=True,
    help="Of each sender, where the sink takes a while: as many calls are under way at most.",
)
@measuring_options
def http(
    measuring: Measuring,
    rows: tuple[int, ...],
    senders: tuple[int, ...],
    latency: tuple[float, ...],
    connections: int,
) -> None:
    """Fan-out and send by HTTP, to a sink that answers at once or after a while."""
    measuring.measure(
        "http",
        [
            case(size, number, each, connections if each else CONNECTIONS)
            for each in latency
            for size in rows
            for number in senders
        ],
    )


def case(rows: int, senders: int, latency: float, connections: int) -> Case:
    """Make the case of one size, number of senders, and latency in seconds."""
    floors: dict[Site, Floors] = {}

    def measure(site: Site, show: Show) -> Run:
        floors.setdefault(site, Floors(site, rows))
        with running_sink(latency) as sink:
            sending = Sending(rows, senders, sink.settings(connections), sink.pid)
            run = send_once(site, floors[site], sending, show)
            calls = sink.status()["calls"]
        if calls != rows:
            raise RuntimeError(f"{calls:,} calls for {rows:,} messages")
        return run

    when = f"answers after {latency * 1000:g} ms" if latency else "answers at once"
    label = f"{rows:,} rows, {counted(senders, 'sender')}, {connections} connections, {when}"
    parameters = {"rows": rows, "senders": senders, "latency": latency}
    return Case(label, measure, {**parameters, "connections": connections})
