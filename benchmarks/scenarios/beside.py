"""A provider without limits, alone and beside one of a few messages a second, in turns."""

import click

from benchmarks.alternation import Send, alternated
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.scenarios.sending import Sending, counted, send_warm
from benchmarks.site import Site

QUICK, SLOW = "quick", "slow"


@click.command("beside")
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--senders", multiple=True, default=(1, 2), show_default=True)
@click.option("--rate", default=10, show_default=True, help="Of the limited provider, a second.")
@measuring_options
def beside(measuring: Measuring, rows: int, senders: tuple[int, ...], rate: int) -> None:
    """Send alone, and beside a campaign of a slow provider on the same partitions, in turns."""
    measuring.measure("beside", [case(rows, number, rate) for number in senders])


def case(rows: int, senders: int, rate: int) -> Case:
    """Make the case of some senders."""
    label = f"{rows:,} rows, {counted(senders, 'sender')}, beside {rate}/s"
    parameters = {"rows": rows, "senders": senders, "rate": rate}
    alone, crowded = sending(rows, senders, rate), sending(rows, senders, rate, SLOW)
    return alternated(label, ("alone", alone), ("beside", crowded), parameters)


def sending(rows: int, senders: int, rate: int, neighbour: str | None = None) -> Send:
    """Return a function that sends by the quick provider, beside a campaign of another one."""
    settings = {
        "Provider": QUICK,
        "Providers": {
            QUICK: {"Kind": "simulated"},
            SLOW: {"Kind": "simulated", "Limits": {"PerSecond": rate}},
        },
    }

    def send(site: Site, show: Show) -> Run:
        return send_warm(site, Sending(rows, senders, settings), show, neighbour=neighbour)

    return send
