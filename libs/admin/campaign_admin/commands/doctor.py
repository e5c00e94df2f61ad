"""campaign doctor: checks of an installation, and the remedy of each problem."""

import json
import sys

import click

from campaign_admin.commands.connection import connection_options
from campaign_admin.connecting.options import output_of
from campaign_admin.doctor import CheckStatus, Finding, examine
from campaign_common.runtime.command_line import (
    EXIT_FAILURE,
    configuration_file,
    settings_or_exit,
)

COLOURS = {
    CheckStatus.OK: "green",
    CheckStatus.WARNING: "yellow",
    CheckStatus.ERROR: "red",
    CheckStatus.UNKNOWN: "magenta",
}

WIDTH = 18
"""Characters of the longest name of a check, and some."""


@click.command()
@connection_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Check configuration, database, schema, topic, senders and campaigns; change nothing.

    Exit code 1 when a check failed, or could not run.
    """
    settings = settings_or_exit(context)
    found = list(examine(settings, configuration_file(context)))
    if as_json or output_of(context) != "text":
        click.echo(json.dumps([finding._asdict() for finding in found], indent=2))
    else:
        for finding in found:
            _print(finding)
    if any(finding.status in {CheckStatus.ERROR, CheckStatus.UNKNOWN} for finding in found):
        sys.exit(EXIT_FAILURE)


def _print(finding: Finding) -> None:
    """One line, so that it can be searched for, and under it the command as it is to be typed."""
    status = click.style(f"{finding.status:<10}", COLOURS[finding.status])
    click.echo(f"{status}{finding.check:<{WIDTH}}{finding.message}")
    if finding.remedy is not None:
        click.echo(f"{'':<{10 + WIDTH}}-> {finding.remedy}")


doctor_ = doctor
