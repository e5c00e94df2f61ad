"""campaign lists: recipient lists."""

from pathlib import Path

import click

from campaign_admin.connecting.files import bar, opened, write_export
from campaign_admin.connecting.options import Noun, client_of, confirm
from campaign_admin.connecting.output import hint, show, show_page

PATH = "/v1/recipient-lists"

STDIN = "stdin"
"""Name of a list that has no file."""


@click.group("lists", cls=Noun)
def lists_() -> None:
    """Upload, show and delete recipient lists."""


@lists_.command("upload")
@click.argument("path", metavar="FILE|-")
@click.option("--name", help="Name of the list (default: of the file).")
@click.option("--delimiter", help="Character between two cells.")
@click.option("--phone-column", help="The column with the phone numbers.")
@click.option("--name-column", help="The column with the names.")
@click.option("--encoding", help="Encoding of the file.")
@click.option("--region", "default_region", help="Country of numbers without one, as NO.")
@click.pass_context
def upload(context: click.Context, /, path: str, **chosen: str | None) -> None:
    """Upload a CSV; it ends when the list is stored."""
    client = client_of(context)
    chosen["name"] = chosen["name"] or (STDIN if path == "-" else Path(path).stem)
    with opened(path) as file, bar(context, "upload") as sent:
        made = client.upload_list(file, sent, **chosen)
    shown = ("id", "name", "state", "rows", "accepted", "duplicates", "rejected")
    show(context, made, {name: made[name] for name in shown})


@lists_.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--all", "every", is_flag=True, help="All pages.")
@click.pass_context
def list_lists(context: click.Context, *, limit: int, every: bool) -> None:
    """List the recipient lists."""
    columns = ("id", "name", "state", "accepted", "duplicates", "rejected")
    key = "recipient_lists"
    show_page(context, client_of(context), PATH, key, columns, {"limit": limit}, every=every)


@lists_.command("show")
@click.argument("list_id", type=int)
@click.pass_context
def show_list(context: click.Context, list_id: int) -> None:
    """Show a list."""
    show(context, client_of(context).get(f"{PATH}/{list_id}"))


@lists_.command("rejects")
@click.argument("list_id", type=int)
@click.option("-f", "--file", "path", default="-", help="The file to write (default: stdout).")
@click.pass_context
def rejects(context: click.Context, list_id: int, path: str) -> None:
    """Write the rejected lines of a list as CSV, whatever -o says."""
    write_export(context, client_of(context).export(f"{PATH}/{list_id}/rejects.csv"), path)


@lists_.command("delete")
@click.argument("list_id", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def delete_list(context: click.Context, list_id: int, *, yes: bool) -> None:
    """Delete a list that no campaign uses."""
    confirm(f"Delete list {list_id}?", yes=yes)
    client_of(context).delete(f"{PATH}/{list_id}")
    hint(context, f"list {list_id} is deleted")
