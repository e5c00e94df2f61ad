"""campaign providers: a table of all providers and their state."""

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from campaign_admin.commands.connection import client_of, connection_options
from campaign_admin.commands.providers.check import check
from campaign_admin.commands.providers.check_text import printable
from campaign_admin.commands.providers.inbound_urls import inbound_urls
from campaign_admin.commands.providers.limits import limits
from campaign_admin.connecting.options import failures_as_exit_codes, output_of

WIDE = 240
"""Columns of a table that is written to a file: no row of it is folded."""


@click.group(invoke_without_command=True)
@connection_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def providers(context: click.Context, *, as_json: bool) -> None:
    """Show all providers, or check one."""
    if context.invoked_subcommand is not None:
        return
    with failures_as_exit_codes(context):
        found = client_of(context).providers()
    if as_json or output_of(context) != "text":
        click.echo(json.dumps(found, indent=2))
        return
    print_wide(_table(found))
    for one in found:
        if one["problem"] is not None:
            click.echo(printable(f"{one['name']}: {one['problem']}"))


providers.add_command(check)
providers.add_command(limits)
providers.add_command(inbound_urls)


def print_wide(table: Table) -> None:
    """Print a table, in lines that are not folded where no terminal says how wide it is."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)


def _table(found: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    numbers = ("answers/min", "not accepted", "p50", "p95", "senders")
    for column in ("name", "kind", "state"):
        table.add_column(column, no_wrap=True)
    for column in ("until", "a second", "a day"):
        table.add_column(column, overflow="fold")
    for column in numbers:
        table.add_column(column, justify="right")
    for one in found:
        answers, latency = one["answers"], one["latency"] or {}
        total = sum(answers.values())
        table.add_row(
            one["name"] + (" (default)" if one["is_default"] else ""),
            one["preset"] or one["kind"],
            one["state"],
            _moment(one["until"]),
            _second(one),
            _day(one["day"]),
            f"{total:,}",
            f"{total - answers['success']:,}",
            *(_milliseconds(latency.get(name)) for name in ("p50", "p95")),
            f"{len(one['senders'])}",
        )
    return table


def _moment(at: str | None) -> str:
    """Return an RFC 3339 time of the API without its fraction of a second."""
    return "" if at is None else f"{at.partition('.')[0]}Z"


def _second(one: dict[str, Any]) -> str:
    limits = one["limits"]["limits"]
    if limits["per_second"] is None:
        return ""
    granted = "" if one["second"] is None else f"{one['second']['granted']:,} of "
    return f"{granted}{limits['per_second']:g} {limits['unit']}"


def _day(day: dict[str, Any] | None) -> str:
    return "" if day is None else f"{day['taken']:,} of {day['per_day']:,}"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.0f} ms"


providers_ = providers
