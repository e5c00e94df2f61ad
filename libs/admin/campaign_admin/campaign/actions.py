"""Verbs that change the state of a campaign."""

import click

from campaign_admin.campaign.following import wait_for_end, wait_option
from campaign_admin.connecting.moments import start_of
from campaign_admin.connecting.options import Verb, client_of, confirm, output_of
from campaign_admin.connecting.output import JsonObject, hint, show


def _act(
    context: click.Context, campaign_id: int, action: str, body: JsonObject | None = None
) -> None:
    done = client_of(context).act(campaign_id, action, body)
    if output_of(context) == "text":
        hint(context, f"campaign {done['id']} is {done['state']}")
    else:
        show(context, done)


def _action(name: str, text: str) -> click.Command:
    @click.command(name, cls=Verb, help=text)
    @click.argument("campaign_id", type=int)
    @click.pass_context
    def act(context: click.Context, campaign_id: int) -> None:
        _act(context, campaign_id, name)

    return act


def _sending_action(name: str, text: str) -> click.Command:
    @click.command(name, cls=Verb, help=text)
    @click.argument("campaign_id", type=int)
    @wait_option
    @click.pass_context
    def act(context: click.Context, campaign_id: int, *, wait: bool) -> None:
        if not wait:
            _act(context, campaign_id, name)
            return
        client_of(context).act(campaign_id, name)
        wait_for_end(context, campaign_id)

    return act


start_ = _sending_action("start", "Start a scheduled campaign now.")
pause_ = _action("pause", "Pause a running campaign.")
resume_ = _sending_action("resume", "Resume a paused campaign.")
clone_ = _action("clone", "Make a draft like a campaign.")


@click.command("schedule", cls=Verb)
@click.argument("campaign_id", type=int)
@click.option("--at", required=True, metavar="TIME", help="now, or 2027-01-31T09:00:00+01:00.")
@click.option("--zone", help="The zone it is planned in, as Europe/Oslo.")
@click.pass_context
def schedule_(context: click.Context, campaign_id: int, at: str, zone: str | None) -> None:
    """Set the time at which a campaign starts."""
    _act(context, campaign_id, "schedule", start_of(at, zone))


@click.command("cancel", cls=Verb)
@click.argument("campaign_id", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def cancel_(context: click.Context, campaign_id: int, *, yes: bool) -> None:
    """Cancel a campaign."""
    confirm(f"Cancel campaign {campaign_id}?", yes=yes)
    _act(context, campaign_id, "cancel")


@click.command("delete", cls=Verb)
@click.argument("campaign_id", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def delete_(context: click.Context, campaign_id: int, *, yes: bool) -> None:
    """Delete a campaign that has not started or is over."""
    confirm(f"Delete campaign {campaign_id}?", yes=yes)
    client_of(context).delete(f"/v1/campaigns/{campaign_id}")
    hint(context, f"campaign {campaign_id} is deleted")
