"""campaign-db purge: deletes campaigns that ended long ago."""

import re
import sys
import threading

import click

from campaign_admin.commands.actor import command_actor
from campaign_admin.maintenance.purge import PAGE, Purge, Purged, Stopped, Terms
from campaign_common.database import Databases, named_lock
from campaign_common.duration import parse_duration
from campaign_common.runtime.command_line import (
    configuration_option,
    one_line_failures,
    settings_or_exit,
)
from campaign_common.runtime.service import stop_on_signals
from campaign_common.store.maintenance.purging import count_unfinished_purges, old_campaigns

EXIT_STOPPED = 3
"""Ended before everything was gone; the next run goes on."""

DAY = 24 * 3600
LONGEST_ACTOR = 64
DAYS = re.compile(r"([1-9][0-9]{0,4})d")


def _age(_: click.Context, __: click.Parameter, value: str) -> int:
    """Read days as seconds. For a day the answers to repeated requests name their campaigns."""
    match = DAYS.fullmatch(value)
    if match is None:
        raise click.BadParameter("expected a number of days, at least one, such as 90d")
    return int(match[1]) * DAY


def _seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("purge")
@configuration_option
@click.option(
    "--older-than",
    callback=_age,
    required=True,
    metavar="DAYS",
    help="Delete campaigns that ended this long ago, such as 90d; at least 1d.",
)
@click.option(
    "--lists", is_flag=True, help="Delete the recipient lists, too, that no campaign uses any more."
)
@click.option(
    "--dry-run", is_flag=True, help="Print the campaigns that would be deleted, and change nothing."
)
@click.option(
    "--pause",
    callback=_seconds,
    default="0s",
    show_default=True,
    help="Pause after each transaction of up to 2,000 rows, such as 50ms.",
)
@click.option("--time-limit", callback=_seconds, help="Stop in order after this time, such as 2h.")
@click.option(
    "--actor",
    default=command_actor,
    help="Recorded as the actor for each campaign (default: campaign-db@HOST).",
)
@click.pass_context
def purge(
    context: click.Context,
    *,
    older_than: int,
    lists: bool,
    dry_run: bool,
    pause: float,
    time_limit: float | None,
    actor: str,
) -> None:
    """Delete finished, cancelled and failed campaigns with all of their data.

    Services may run meanwhile. It may be stopped or killed at any moment; the next run completes
    what was begun. Exit code 3: stopped before the end.
    """
    terms = Terms(older_than, actor[:LONGEST_ACTOR], lists, pause=pause)
    databases = Databases.configured(settings_or_exit(context))
    with one_line_failures("campaign-db purge"):
        if dry_run:
            _say_what_would_go(databases, older_than)
        else:
            _purge(databases, terms, time_limit)


def _purge(databases: Databases, terms: Terms, time_limit: float | None) -> None:
    stop = threading.Event()
    stop_on_signals(stop)
    if time_limit is not None:
        timer = threading.Timer(time_limit, stop.set)
        timer.daemon = True
        timer.start()
    run = Purge(databases, terms, stop, click.echo)
    with named_lock(databases.main, "purge", wait=0):
        try:
            run.run()
        except Stopped:
            click.echo(f"{_summary(run.purged)}; stopped, the next run resumes")
            sys.exit(EXIT_STOPPED)
    click.echo(_summary(run.purged))


def _summary(purged: Purged) -> str:
    parts = [f"{purged.campaigns:,} campaigns", f"{purged.rows:,} rows of them"]
    if purged.lists:
        parts.append(f"{purged.lists:,} recipient lists, whose rows the API's sweep deletes")
    if purged.strays:
        parts.append(f"{purged.strays:,} rows of deleted campaigns")
    left = f"; {purged.held:,} campaigns are skipped" if purged.held else ""
    return f"purged: {', '.join(parts)}{left}"


def _say_what_would_go(databases: Databases, older_than: int) -> None:
    with databases.main.reading() as cursor:
        begun = count_unfinished_purges(cursor, 0)
    if begun:
        click.echo(
            f"{begun:,} campaigns are purged already; their remaining rows are deleted first"
        )
    campaigns = rows = after_id = 0
    while True:
        with databases.reading() as cursors:
            page = old_campaigns(cursors, older_than, after_id=after_id, limit=PAGE)
        for campaign in page:
            after_id = campaign.id
            campaigns += 1
            rows += campaign.rows
            click.echo(
                f"campaign {campaign.id} {campaign.name}: {campaign.state} since"
                f" {campaign.over_since:%Y-%m-%d %H:%M:%S}, {campaign.rows:,} messages"
            )
        if len(page) < PAGE:
            break
    click.echo(f"would purge: {campaigns:,} campaigns with {rows:,} messages")
