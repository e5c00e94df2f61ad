"""The options that every scenario has."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from benchmarks.measuring import Measuring
from benchmarks.site import ServerChoice
from local_stack.distributions.cache import REPOSITORY
from local_stack.servers.database import Flavour

OUTPUT = REPOSITORY / ".local" / "benchmarks"

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--runs", default=3, show_default=True, help="Repeats of each case."),
    click.option(
        "--database",
        type=click.Choice(["mariadb", "mysql"]),
        default="mariadb",
        show_default=True,
        help="The server to start.",
    ),
    click.option("--dsn", help="A database server to use instead, as in the configuration."),
    click.option("--brokers", help="And brokers, host:port, separated by commas."),
    click.option(
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for results.json and report.html; by default a new one below "
        ".local/benchmarks.",
    ),
)


def measuring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the common options to a command, and pass it a `Measuring` made of them."""

    @wraps(command)
    def with_measuring(
        *,
        runs: int,
        database: str,
        dsn: str | None,
        brokers: str | None,
        output: Path | None,
        **others: Any,  # noqa: ANN401 - the command's own
    ) -> None:
        flavour: Flavour = "mysql" if database == "mysql" else "mariadb"
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{command.__name__.replace('_', '-')}"
        choice = ServerChoice(flavour=flavour, dsn=dsn, brokers=brokers)
        command(Measuring(choice, runs, output or OUTPUT / name), **others)

    decorated: Callable[..., None] = with_measuring
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
