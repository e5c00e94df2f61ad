"""campaign routes: a table of all routes and the weights that hold."""

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from campaign_admin.commands.connection import client_of, connection_options
from campaign_admin.commands.providers.listing import print_wide
from campaign_admin.connecting.options import failures_as_exit_codes, output_of


@click.command()
@connection_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def routes(context: click.Context, *, as_json: bool) -> None:
    """Show all routes, with the weights that hold now."""
    with failures_as_exit_codes(context):
        found = client_of(context).routes()
    if as_json or output_of(context) != "text":
        click.echo(json.dumps(found, indent=2))
        return
    print_wide(_table(found))


def _table(found: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("name", "weights"):
        table.add_column(column, no_wrap=True)
    for column in ("choices", "failover", "after doubt", "prefixes"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(
            one["name"] + (" (default)" if one["is_default"] else ""),
            one["source"],
            _choices(one["choices"]),
            ", ".join(one["failover"]),
            "goes on" if one["after_doubt"] else "returns",
            ", ".join(f"{each['prefix']}: {each['takes']}" for each in one["prefixes"]),
        )
    return table


def _choices(choices: Sequence[dict[str, Any]] | None) -> str:
    if choices is None:
        return "of a newer version"
    return ", ".join(
        f"{one['provider']} {one['weight'] if one['enabled'] else 'off'}" for one in choices
    )


routes_ = routes
