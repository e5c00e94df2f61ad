"""Fan-out and sending, with the simulated provider, which answers at once."""

import click

from benchmarks.floors.both import Floors
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.scenarios.sending import Sending, counted, send_once
from benchmarks.site import Site


@click.command("send")
@click.option("--rows", multiple=True, default=(300_000, 1_000_000), show_default=True)
@click.option("--senders", multiple=True, default=(1, 2), show_default=True)
@measuring_options
def send(measuring: Measuring, rows: tuple[int, ...], senders: tuple[int, ...]) -> None:
    """Fan-out and send with the simulated provider."""
    measuring.measure("send", [case(size, number) for size in rows for number in senders])


def case(rows: int, senders: int) -> Case:
    """Make the case of one size and number of senders."""
    floors: dict[Site, Floors] = {}

    def measure(site: Site, show: Show) -> Run:
        floors.setdefault(site, Floors(site, rows))
        return send_once(site, floors[site], Sending(rows, senders), show)

    label = f"{rows:,} rows, {counted(senders, 'sender')}"
    return Case(label, measure, {"rows": rows, "senders": senders})
