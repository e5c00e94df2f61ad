"""The cost of a limit that is never reached: one campaign with it, and one without, in turns."""

import click

from benchmarks.alternation import Send, alternated
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.scenarios.sending import Sending, counted, send_warm
from benchmarks.sink_process import running_sink
from benchmarks.site import Site

NEVER_REACHED = {"PerSecond": 1_000_000, "PerDay": 1_000_000_000}

SIMULATED, HTTP = "simulated", "http"

CONNECTIONS = 1_024
"""Of each sender, to a sink that takes a while."""


@click.command("limit-cost")
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--senders", multiple=True, default=(1, 2), show_default=True)
@click.option("--provider", multiple=True, default=(SIMULATED, HTTP), show_default=True)
@click.option("--latency", default=0.05, show_default=True, help="Seconds, of the sink.")
@click.option("--per-day/--no-per-day", default=True, show_default=True)
@measuring_options
def limit_cost(
    measuring: Measuring,
    rows: int,
    senders: tuple[int, ...],
    provider: tuple[str, ...],
    latency: float,
    *,
    per_day: bool,
) -> None:
    """Send with limits that are never reached, and without, in turns."""
    limits = {name: n for name, n in NEVER_REACHED.items() if per_day or name != "PerDay"}
    measuring.measure(
        "limit-cost",
        [case(kind, rows, number, latency, limits) for kind in provider for number in senders],
    )


def case(provider: str, rows: int, senders: int, latency: float, limits: dict[str, int]) -> Case:
    """Make the case of one provider."""
    label = f"{provider}, {rows:,} rows, {counted(senders, 'sender')}, {' and '.join(limits)}"
    parameters = {"provider": provider, "rows": rows, "senders": senders, "latency": latency}
    without = sending_to(provider, rows, senders, latency, {})
    limited = sending_to(provider, rows, senders, latency, limits)
    return alternated(label, ("without", without), ("limited", limited), parameters)


def sending_to(
    provider: str, rows: int, senders: int, latency: float, limits: dict[str, int]
) -> Send:
    """Return a function that sends with these limits."""
    section = {"Limits": limits} if limits else {}
    if provider == SIMULATED:
        settings = {"Provider": SIMULATED, "Simulated": section}
        return lambda site, show: send_warm(site, Sending(rows, senders, settings), show)

    def send(site: Site, show: Show) -> Run:
        with running_sink(latency) as sink:
            settings = sink.settings(CONNECTIONS, **section)
            return send_warm(site, Sending(rows, senders, settings, sink.pid), show)

    return send
