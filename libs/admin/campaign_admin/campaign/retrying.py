"""campaign retry: messages that have ended, sent once more, or only counted."""

import click

from campaign_admin.connecting.options import Verb, client_of, output_of
from campaign_admin.connecting.output import JsonObject, hint, show

STATUSES = ("failed", "suppressed", "expired", "unknown")


@click.command("retry", cls=Verb)
@click.argument("campaign_id", type=int)
@click.option("--status", type=click.Choice(STATUSES), required=True)
@click.option("--error", "error_code", help="Only messages with this error code.")
@click.option("--dry-run", is_flag=True, help="Say how many there are, and send nothing.")
@click.pass_context
def retry_(
    context: click.Context,
    campaign_id: int,
    status: str,
    error_code: str | None,
    *,
    dry_run: bool,
) -> None:
    """Send messages that have ended once more."""
    client = client_of(context)
    if dry_run:
        _show_count(context, campaign_id, status, error_code)
        return
    body = (
        {"status": status} if error_code is None else {"status": status, "error_code": error_code}
    )
    done = client.act(campaign_id, "retry", body)
    if output_of(context) == "text":
        hint(context, f"campaign {done['id']} is {done['state']}")
    else:
        show(context, done)


def _show_count(
    context: click.Context, campaign_id: int, status: str, error_code: str | None
) -> None:
    """Print how many messages a retry would send; the count of a code may be a lower bound.

    An API counts at most 100 codes of a page, the most frequent ones.
    """
    path, cursor = f"/v1/campaigns/{campaign_id}/errors", None
    client = client_of(context)
    found: JsonObject = {"status": status, "error_code": error_code, "messages": 0, "exact": True}
    if error_code is None:
        found["messages"] = client.campaign(campaign_id)["counts"][status]
    while error_code is not None:
        page = client.get(path, cursor=cursor)
        counted = (one for one in page["errors"] if one["status"] == status)
        of_code = [one["messages"] for one in counted if one["error_code"] == error_code]
        found["messages"] += sum(of_code)
        found["exact"] = found["exact"] and (bool(of_code) or not page["errors_omitted"])
        if (cursor := page["next_cursor"]) is None:
            break
    if output_of(context) == "text":
        least = "" if found["exact"] else "at least "
        click.echo(f"{least}{found['messages']:,} messages would be sent once more")
    else:
        show(context, found)
