"""campaign person and suppressions."""

from urllib.parse import quote

import click

from campaign_admin.connecting.files import bar, opened, write_export
from campaign_admin.connecting.options import Noun, Verb, client_of, confirm
from campaign_admin.connecting.output import hint, show, show_page

PATH = "/v1/suppressions"

EVERYTHING = "*"
"""The scope of a suppression of every message."""

ACTIONS = ("show", "suppress", "unsuppress", "erase")


@click.command("person", cls=Verb)
@click.argument("phone")
@click.argument("action", type=click.Choice(ACTIONS), default="show")
@click.option("--yes", is_flag=True, help="Do not ask before erasing.")
@click.pass_context
def person_(context: click.Context, phone: str, action: str, *, yes: bool) -> None:
    """Show, suppress or erase a person."""
    client = client_of(context)
    if action == "show":
        show(context, client.person(phone))
    elif action == "suppress":
        show(context, client.post(PATH, {"phone": phone}))
    elif action == "unsuppress":
        client.delete(f"{PATH}/{quote(phone, safe='')}", scope=EVERYTHING)
        hint(context, "the suppression of everything is removed")
    else:
        confirm("Erase this person everywhere?", yes=yes)
        show(context, client.erase(phone))


@click.group("suppressions", cls=Noun)
def suppressions_() -> None:
    """List, add, import, remove and export suppressions."""


@suppressions_.command("list")
@click.option("--scope", help="Only of this scope.")
@click.option("--reason", help="Only for this reason.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--all", "every", is_flag=True, help="All pages.")
@click.pass_context
def list_suppressions(context: click.Context, /, *, every: bool, **chosen: str) -> None:
    """List the suppressions."""
    columns = ("phone", "scope", "reason", "source", "since", "until")
    show_page(context, client_of(context), PATH, "suppressions", columns, chosen, every=every)


@suppressions_.command("add")
@click.argument("phone")
@click.option("--scope", help="*, topic:NAME, and others.")
@click.option("--reason", help="Why.")
@click.option("--note", help="A note of yours.")
@click.option("--region", "default_region", help="Country of a number without one, as NO.")
@click.pass_context
def add(context: click.Context, /, phone: str, **chosen: str | None) -> None:
    """Suppress a person."""
    body = {name: value for name, value in chosen.items() if value is not None}
    show(context, client_of(context).post(PATH, {"phone": phone} | body))


@suppressions_.command("import")
@click.argument("path", metavar="FILE|-")
@click.option("--scope", help="*, topic:NAME, and others.")
@click.option("--reason", help="Why.")
@click.option("--region", "default_region", help="Country of numbers without one, as NO.")
@click.pass_context
def import_suppressions(context: click.Context, /, path: str, **chosen: str | None) -> None:
    """Suppress the people of a CSV with a column phone."""
    client = client_of(context)
    with opened(path) as file, bar(context, "upload") as sent:
        show(context, client.import_suppressions(file, sent, **chosen))


@suppressions_.command("remove")
@click.argument("phone")
@click.option("--scope", default=EVERYTHING, show_default=True, help="*, topic:NAME, and others.")
@click.pass_context
def remove(context: click.Context, phone: str, scope: str) -> None:
    """Remove a suppression."""
    client_of(context).delete(f"{PATH}/{quote(phone, safe='')}", scope=scope)
    hint(context, "the suppression is removed")


@suppressions_.command("export")
@click.option("--scope", help="Only of this scope.")
@click.option("--reason", help="Only for this reason.")
@click.option("-f", "--file", "path", default="-", help="The file to write (default: stdout).")
@click.pass_context
def export_suppressions(context: click.Context, /, path: str, **chosen: str | None) -> None:
    """Write the suppressions as CSV, whatever -o says."""
    write_export(context, client_of(context).export(f"{PATH}.csv", **chosen), path)
