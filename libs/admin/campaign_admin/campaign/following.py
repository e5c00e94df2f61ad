"""campaign watch and events: a campaign while it runs."""

import sys

import click

from campaign_admin.campaign.campaigns import print_status
from campaign_admin.campaign.watching import watch
from campaign_admin.connecting.exit_codes import ExitCode
from campaign_admin.connecting.options import Verb, client_of, given, output_of
from campaign_admin.connecting.output import show_page, show_rows

wait_option = click.option(
    "--wait", is_flag=True, help="Follow it to its end; exit code 3 unless that is finished."
)


def wait_for_end(context: click.Context, *campaign_ids: int, until: str = "finished") -> None:
    """Show how campaigns come along until they end, one after the other, and then each of them.

    Ends the process with exit code 3 where one ends in another state than `until`.
    """
    client = client_of(context)
    quiet = bool(given(context, "quiet")) or output_of(context) != "text"
    ended = []
    for campaign_id in campaign_ids:
        description = watch(client, campaign_id, frozenset({until}), quiet=quiet)
        print_status(context, client.campaign(campaign_id), client.progress(campaign_id))
        ended.append(description["state"])
    if any(state != until for state in ended):
        sys.exit(ExitCode.ENDED_OTHERWISE)


@click.command("watch", cls=Verb)
@click.argument("campaign_ids", type=int, nargs=-1, required=True)
@click.option("--until", type=click.Choice(["finished", "paused"]), default="finished")
@click.pass_context
def watch_(context: click.Context, campaign_ids: tuple[int, ...], until: str) -> None:
    """Follow campaigns, one after the other, until they end.

    Exit code 0 when all are in the state of --until, else 3.
    """
    wait_for_end(context, *campaign_ids, until=until)


@click.command("events", cls=Verb)
@click.argument("campaign_id", type=int)
@click.option("--follow", is_flag=True, help="Show new ones until the campaign ends.")
@click.pass_context
def events_(context: click.Context, campaign_id: int, *, follow: bool) -> None:
    """Show the events of a campaign."""
    client, columns = client_of(context), ("at", "type", "actor", "reason")
    if follow:
        show_rows(context, client.follow_events(campaign_id), columns)
        return
    show_page(
        context,
        client,
        f"/v1/campaigns/{campaign_id}/events",
        "events",
        columns,
        {},
        every=True,
    )
