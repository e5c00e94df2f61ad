"""campaign: creates campaigns and shows their progress, through the API service."""

import re
import sys
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from campaign_admin.commands.connection import client_of, connection_options
from campaign_admin.commands.doctor import doctor
from campaign_admin.commands.providers.listing import providers
from campaign_admin.commands.providers.routes import routes
from campaign_admin.commands.watching import describe_rest, watch
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.content.campaign_content import ContentKind
from campaign_common.runtime.command_line import EXIT_FAILURE, one_line_failures

AT_ONCE = 0
"""A scheduled_time in the past means now; one that never changes lets a request be repeated."""


def _moment(text: str) -> int:
    """Read `now`, an RFC 3339 time, or seconds since 1970; returns seconds since 1970."""
    if text == "now":
        return AT_ONCE
    if re.fullmatch(r"[0-9]{1,20}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither now, nor 2027-01-31T09:00:00Z, nor seconds since 1970"
        ) from error
    if moment.tzinfo is None:
        raise click.BadParameter(f"{text!r} lacks its zone: {text}Z or {text}+02:00")
    return int(moment.timestamp())


@click.group()
@connection_options
def main() -> None:
    """Create campaigns and follow them."""


main.add_command(doctor)
main.add_command(providers)
main.add_command(routes)


@main.command()
@connection_options
@click.option("--id", "campaign_id", type=int, required=True, help="1 to 1,099,511,627,775.")
@click.option("--name", required=True)
@click.option("--template", required=True, help="The message; {name}, {phone}, {any column}.")
@click.option("--csv", "path", required=True, help="The recipients, a path below CsvRoot.")
@click.option(
    "--at", type=_moment, metavar="TIME", default="now", show_default=True, help="When to start."
)
@click.pass_context
def create(
    context: click.Context, campaign_id: CampaignId, name: str, template: str, path: str, at: int
) -> None:
    """Create a campaign; ends when its recipients are stored."""
    with one_line_failures("campaign create"):
        client_of(context).create(
            {
                "campaign_name": name,
                "campaign_id": campaign_id,
                "message_template": template,
                "scheduled_time": at,
                "csv_file_path": path,
            }
        )
    click.echo(f"campaign {campaign_id} is scheduled; follow it with: campaign watch {campaign_id}")


@main.command()
@connection_options
@click.argument("campaign_id", type=int)
@click.pass_context
def status(context: click.Context, campaign_id: CampaignId) -> None:
    """Show the progress of a campaign."""
    with one_line_failures("campaign status"):
        client = client_of(context)
        description = client.read(campaign_id)
        progress = client.read_progress(campaign_id)
    Console().print(_table(description, progress))


@main.command(name="watch")
@connection_options
@click.argument("campaign_id", type=int)
@click.pass_context
def watch_command(context: click.Context, campaign_id: CampaignId) -> None:
    """Follow a campaign until it ends; exit code 0 only when it has finished."""
    console = Console()
    with one_line_failures("campaign watch"):
        client = client_of(context)
        description = watch(client, campaign_id, console)
        progress = client.read_progress(campaign_id)
    console.print(_table(description, progress))
    if description["state"] != CampaignState.FINISHED:
        sys.exit(EXIT_FAILURE)


def _table(description: dict[str, Any], progress: dict[str, Any]) -> Table:
    rows = {
        "state": description["state"],
        "reason": description["failure_reason"],
        "scheduled": description["scheduled_at"],
        "started": description["started_at"],
        "finished": description["finished_at"],
        "content": _content(description.get("content")),
        "from": description.get("from"),
        "recipients": f"{description['total']:,}",
        **{word: f"{n:,}" for word, n in description["counts"].items()},
        "pending": f"{description['pending']:,}",
        "possibly sent": f"{description['possibly_sent']:,}",
        "rate": None if description["rate"] is None else f"{description['rate']:,.0f}/s",
        "estimated finish": description["estimated_finish"],
        "budget": _budget(progress.get("budget")),
        "rests": describe_rest(progress),
        "paused": _pause(progress.get("paused")),
    }
    table = Table(title=f"{description['id']} {description['name']}", show_header=False)
    for label, value in rows.items():
        if value is not None:
            table.add_row(label, value)
    return table


def _content(content: dict[str, Any] | None) -> str | None:
    """Describe content other than a text; an API of 0.2.0 has no other."""
    if content is None or content["kind"] != ContentKind.TEMPLATE:
        return None
    return f"template {content['name']} ({content['language']})"


def _budget(budget: dict[str, Any] | None) -> str | None:
    """Describe a budget; an API of 0.2.0 has none."""
    if budget is None:
        return None
    if budget["amount"] is None:
        return "lost in a roll-back, nothing left"
    return f"{budget['amount']} {budget['currency']}, {budget['left']} left"


def _pause(pause: dict[str, Any] | None) -> str | None:
    if pause is None:
        return None
    reason = f": {pause['reason']}" if pause["reason"] else ""
    return f"{pause['at']} by {pause['actor']}{reason}"
