"""campaign messages and export: what became of the messages of a campaign."""

import click

from campaign_admin.connecting.files import write_export
from campaign_admin.connecting.options import Verb, client_of, output_of
from campaign_admin.connecting.output import show_page


@click.command("messages", cls=Verb)
@click.argument("campaign_id", type=int)
@click.option("--status", help="Only messages with this status.")
@click.option("--error", "error_code", help="Only messages with this error code.")
@click.option("--phone", help="Only messages to this phone.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--all", "every", is_flag=True, help="All pages.")
@click.pass_context
def messages_(context: click.Context, /, campaign_id: int, *, every: bool, **chosen: str) -> None:
    """Show the messages of a campaign."""
    columns = ("seq", "phone", "status", "error_code", "attempts", "at")
    path = f"/v1/campaigns/{campaign_id}/messages"
    show_page(context, client_of(context), path, "messages", columns, chosen, every=every)


FILES = ("csv", "jsonl", "parquet")


class Export(Verb):
    """A verb whose output is a file."""

    formats = FILES


@click.command("export", cls=Export)
@click.argument("campaign_id", type=int)
@click.option("--status", help="Only messages with this status.")
@click.option("--error", "error_code", help="Only messages with this error code.")
@click.option("-f", "--file", "path", default="-", help="The file to write (default: stdout).")
@click.pass_context
def export_(context: click.Context, /, campaign_id: int, path: str, **chosen: str) -> None:
    """Write the messages of a campaign: as CSV, or as -o says."""
    named = output_of(context)
    suffix = named if named in FILES else "csv"  # an option before the verb may name a form of text
    blocks = client_of(context).export(f"/v1/campaigns/{campaign_id}/messages.{suffix}", **chosen)
    write_export(context, blocks, path)
