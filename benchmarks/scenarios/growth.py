"""Rate and memory against size: one campaign of many sizes, and many campaigns at once."""

import click

from benchmarks.floors.both import Floors
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.recipients import write_recipients
from benchmarks.results import CaseResult, Run
from benchmarks.sampling import sampled
from benchmarks.scenarios.sending import Sending, note_sending, send_once
from benchmarks.site import Site

SIZES = (100_000, 1_000_000, 5_000_000, 10_000_000)

ONCE_FROM = 5_000_000
"""Size from which on a campaign is sent only once, because it takes minutes."""

LISTS = 10
"""Lists that the many campaigns share."""


@click.command("growth")
@click.option("--rows", multiple=True, default=SIZES, show_default=True)
@click.option("--campaigns", default=200, show_default=True, help="At once; 0 leaves them out.")
@click.option("--recipients", default=10_000, show_default=True, help="Of each of them.")
@measuring_options
def growth(measuring: Measuring, rows: tuple[int, ...], campaigns: int, recipients: int) -> None:
    """Rate and memory against size."""
    cases = [one_of(size) for size in rows]
    if campaigns:
        cases.append(many_of(campaigns, recipients))
    results = measuring.measure("growth", cases)
    compare_sizes(measuring, results[: len(rows)])


def one_of(rows: int) -> Case:
    """Make the case of one campaign."""
    floors: dict[Site, Floors] = {}

    def measure(site: Site, show: Show) -> Run:
        floors.setdefault(site, Floors(site, rows))
        return send_once(site, floors[site], Sending(rows), show)

    runs = 1 if rows >= ONCE_FROM else None
    return Case(f"one campaign of {rows:,}", measure, {"rows": rows}, runs)


def many_of(campaigns: int, recipients: int) -> Case:
    """Make the case of many campaigns that become due at once."""
    floors: dict[Site, Floors] = {}
    total = campaigns * recipients

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        floors.setdefault(site, Floors(site, total)).measure(run)
        sending = Sending(total)
        with site.system(sending.senders) as system:
            for n in range(1, LISTS + 1):
                file = site.csv_root / f"{n}.csv"
                if not file.exists():
                    write_recipients(file, recipients, first=n * recipients)
                    system.import_by_path(file, n)
            lists = [system.list_of(n) for n in range(1, LISTS + 1)]
            ids = [system.draft(lists[n % LISTS]) for n in range(campaigns)]
            with sampled(system.processes()) as usage:
                for each in ids:
                    system.change(each, "start")
                points = system.follow(total, show=lambda n: show("sending", n, total))
            seconds = system.sending_seconds(*ids)
            for each in ids:
                system.wait_for_state(each)
        note_sending(run, sending, seconds, points, usage)
        site.clear_ledger()
        return run

    label = f"{campaigns} campaigns of {recipients:,} at once"
    return Case(label, measure, {"campaigns": campaigns, "recipients": recipients})


def compare_sizes(measuring: Measuring, results: list[CaseResult]) -> None:
    """Print each size's rate over that of the smallest."""
    smallest = min(results, key=lambda result: result.parameters["rows"])
    least = smallest.summary("rate").median
    for result in results:
        rate = result.summary("rate").median
        measuring.console.print(f"{result.case}: {rate / least:.2f} of the rate of the smallest")
