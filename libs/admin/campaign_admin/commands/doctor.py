"""campaign doctor: what is in order, what is not, and what mends it."""

import json
import sys

import click

from campaign_admin.doctor import Finding, Verdict, examine
from campaign_common.runtime.command_line import (
    EXIT_FAILURE,
    configuration_file,
    configuration_option,
    settings_or_exit,
)

COLOURS = {
    Verdict.OK: "green",
    Verdict.ATTENTION: "yellow",
    Verdict.WRONG: "red",
    Verdict.UNKNOWN: "magenta",
}

WIDTH = 18
"""Characters of the longest name of a check, and some."""


@click.command()
@configuration_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Look at configuration, database, schema, topic, senders and campaigns; change nothing.

    Exit code 1 when something is wrong, or could not be looked at.
    """
    settings = settings_or_exit(context)
    found = list(examine(settings, configuration_file(context)))
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in found], indent=2))
    else:
        for finding in found:
            _print(finding)
    if any(finding.verdict in {Verdict.WRONG, Verdict.UNKNOWN} for finding in found):
        sys.exit(EXIT_FAILURE)


def _print(finding: Finding) -> None:
    """One line, so that it can be searched for, and under it the command as it is to be typed."""
    verdict = click.style(f"{finding.verdict:<10}", COLOURS[finding.verdict])
    click.echo(f"{verdict}{finding.check:<{WIDTH}}{finding.said}")
    if finding.mend is not None:
        click.echo(f"{'':<{10 + WIDTH}}-> {finding.mend}")
