"""The command line: python -m benchmarks capacity."""

from pathlib import Path

import click

from benchmarks.capacity.page import PAGE, TABLES, refresh
from benchmarks.capacity.points import COSTS, latest, points_of, read_points, write_points
from benchmarks.results import read_results
from local_stack.distributions.cache import REPOSITORY


@click.command("capacity")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--keep",
    is_flag=True,
    help=f"Keep what FILES say in {COSTS.relative_to(REPOSITORY)}, and write the tables of"
    f" {PAGE.relative_to(REPOSITORY)}.",
)
def capacity(files: tuple[Path, ...], *, keep: bool) -> None:
    """Predict the rate of a deployment, from kept costs and from results.json FILES."""
    points = latest([*read_points(COSTS), *points_of(read_results(files))])
    if keep:
        write_points(points, COSTS)
        refresh(points, PAGE)
        return
    for name, table in TABLES.items():
        click.echo(f"{name}\n\n{table(points)}\n")
