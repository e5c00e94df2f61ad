"""Parts that every command shares: `-c FILE` before or after a subcommand, and exit codes.

0 is success, 1 a failure outside (database, broker), 2 a mistake in the configuration or on
the command line, which is click's own code for that too.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from campaign_common.errors import CampaignError, SettingsError

if TYPE_CHECKING:
    from campaign_common.settings import Settings

EXIT_FAILURE = 1
EXIT_CONFIGURATION = 2

_META_KEY = "campaign_common.configuration"

F = TypeVar("F", bound=Callable[..., Any])


def configuration_option(command: F) -> F:
    """Add `-c FILE` to a command or group; `settings_or_exit` then reads that file."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The YAML configuration (default: $CAMP_CONFIG, else ./campmgr.yaml).",
        expose_value=False,
        callback=_remember,
    )(command)


def configuration_named(context: click.Context) -> bool:
    """Return whether `-c` named a configuration."""
    return _META_KEY in context.meta


def configuration_file(context: click.Context) -> Path | None:
    """Return the file that the configuration is read from, where it is one."""
    from campaign_common.settings import chosen_file  # noqa: PLC0415 - no part of --help

    return chosen_file(context.meta.get(_META_KEY), os.environ)


def settings_or_exit(context: click.Context) -> "Settings":
    """Load the settings that `-c` named, or end with one clear line and exit code 2."""
    from campaign_common.settings import load_settings  # noqa: PLC0415 - no part of --help

    try:
        return load_settings(context.meta.get(_META_KEY), os.environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_CONFIGURATION)


@contextmanager
def one_line_failures(command: str) -> Iterator[None]:
    """End the process with one clear line and exit code 1 where the block fails outside."""
    from pymysql.err import Error as DriverError  # noqa: PLC0415 - no part of --help

    try:
        yield
    except CampaignError as error:
        click.echo(f"{command}: {error}", err=True)
        sys.exit(EXIT_FAILURE)
    except DriverError as error:
        click.echo(f"{command}: the database refused a statement: {error.args[-1]}", err=True)
        sys.exit(EXIT_FAILURE)


def _remember(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.meta[_META_KEY] = value  # shared by a group and its subcommands
