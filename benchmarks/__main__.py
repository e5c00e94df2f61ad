"""The benchmarks' command line: python -m benchmarks SCENARIO."""

from pathlib import Path

import click

from benchmarks.capacity.command import capacity
from benchmarks.check import check
from benchmarks.report.markdown import against_targets
from benchmarks.results import read_results
from benchmarks.scenarios.api import api
from benchmarks.scenarios.beside import beside
from benchmarks.scenarios.callbacks import callbacks
from benchmarks.scenarios.command_line import command_line
from benchmarks.scenarios.erased_people import import_erased
from benchmarks.scenarios.flood import flood
from benchmarks.scenarios.growth import growth
from benchmarks.scenarios.http import http
from benchmarks.scenarios.imports import imports
from benchmarks.scenarios.limit_cost import limit_cost
from benchmarks.scenarios.limits import limits
from benchmarks.scenarios.metrics_cost import metrics_cost
from benchmarks.scenarios.rate_kept import rate_kept
from benchmarks.scenarios.rates import rates
from benchmarks.scenarios.recovery import recovery
from benchmarks.scenarios.send import send
from benchmarks.scenarios.silence import silence
from benchmarks.scenarios.small import small
from benchmarks.scenarios.suppressions import suppressions
from benchmarks.scenarios.template_cost import template_cost
from benchmarks.scenarios.traces_cost import traces_cost
from benchmarks.scenarios.upkeep import upkeep
from benchmarks.scenarios.whole_list import whole_list


@click.group()
def main() -> None:
    """Measure the system on this machine, as ratios to the most that its servers can do."""


SCENARIOS = (
    imports,
    import_erased,
    suppressions,
    send,
    http,
    growth,
    small,
    silence,
    recovery,
    api,
    flood,
    callbacks,
    whole_list,
    upkeep,
    limits,
    rates,
    limit_cost,
    beside,
    rate_kept,
    template_cost,
)


@main.command("all", context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def every(options: tuple[str, ...]) -> None:
    """Run every scenario, each with the OPTIONS that are given."""
    for scenario in SCENARIOS:
        scenario.main(list(options), standalone_mode=False)


@main.command("summary")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def summary(files: tuple[Path, ...]) -> None:
    """Print the figures that have a target, from results.json FILES, as a table in Markdown."""
    click.echo(against_targets(read_results(files)))


for command in (*SCENARIOS, command_line, metrics_cost, traces_cost, check, capacity):
    main.add_command(command)


if __name__ == "__main__":
    main()
