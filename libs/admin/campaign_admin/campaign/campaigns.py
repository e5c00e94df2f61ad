"""campaign list, show and status: campaigns as they are."""

import sys
from typing import Any

import click

from campaign_admin.campaign.watching import rest_of
from campaign_admin.connecting.moments import local_text, rfc3339
from campaign_admin.connecting.options import Verb, client_of, output_of
from campaign_admin.connecting.output import JsonObject, show, show_page

STATES = ("draft", "scheduled", "running", "paused", "finished", "cancelled", "failed")


@click.command("list", cls=Verb)
@click.option("--state", type=click.Choice(STATES), help="Only campaigns in this state.")
@click.option("--name", help="Only campaigns with this part in their name.")
@click.option("--from", "since", metavar="TIME", help="Only campaigns planned for then or later.")
@click.option("--to", "before", metavar="TIME", help="Only campaigns planned for before then.")
@click.option("--zone", help="The zone of a TIME without one, as Europe/Oslo.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--all", "every", is_flag=True, help="All pages.")
@click.pass_context
def list_(
    context: click.Context,
    /,
    *,
    since: str | None,
    before: str | None,
    zone: str | None,
    every: bool,
    **chosen: Any,  # noqa: ANN401 - of options
) -> None:
    """List campaigns, the newest first."""
    columns = ("id", "name", "state", "total", "pending", "scheduled_at")
    span = {name: at and rfc3339(at, zone) for name, at in (("from", since), ("to", before))}
    parameters = {**chosen, **span}
    show_page(
        context, client_of(context), "/v1/campaigns", "campaigns", columns, parameters, every=every
    )


@click.command("show", cls=Verb)
@click.argument("campaign_id", type=int)
@click.option("--web", is_flag=True, help="Open its page of the dashboard, or print the address.")
@click.pass_context
def show_(context: click.Context, campaign_id: int, *, web: bool) -> None:
    """Show a campaign."""
    client = client_of(context)
    campaign = client.campaign(campaign_id)
    if not web:
        show(context, campaign)
        return
    address = f"{client.connection.url}/campaigns/{campaign_id}"
    click.echo(address)
    if sys.stdout.isatty():
        click.launch(address)


@click.command("status", cls=Verb)
@click.argument("campaign_id", type=int)
@click.pass_context
def status_(context: click.Context, campaign_id: int) -> None:
    """Show the progress of a campaign as a table."""
    client = client_of(context)
    description, progress = client.campaign(campaign_id), client.progress(campaign_id)
    print_status(context, description, progress)


def print_status(context: click.Context, description: JsonObject, progress: JsonObject) -> None:
    """Print a table; in `-o json` the campaign as the API returned it."""
    if output_of(context) != "text":
        show(context, description)
        return
    from rich.console import Console  # noqa: PLC0415 - no part of --help
    from rich.table import Table  # noqa: PLC0415 - no part of --help

    table = Table(title=f"{description['id']} {description['name']}", show_header=False)
    for label, value in _rows(description, progress).items():
        if value is not None:
            table.add_row(label, value)
    Console().print(table)


def _rows(description: JsonObject, progress: JsonObject) -> dict[str, str | None]:
    return {
        "state": description["state"],
        "reason": description["failure_reason"],
        "scheduled": _planned(description),
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
        "rests": rest_of(progress),
        "paused": _pause(progress.get("paused")),
    }


def _planned(description: JsonObject) -> str | None:
    """Return the planned time, with what the clocks of its zone show; 0.2.0 knows no zone."""
    at, zone = description["scheduled_at"], description.get("time_zone")
    if at is None or zone is None:
        return None if at is None else str(at)
    return f"{at} ({local_text(at, zone)})"


def _content(content: dict[str, Any] | None) -> str | None:
    """Describe content other than a text; an API of 0.2.0 has no other."""
    if content is None or content["kind"] != "template":
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
