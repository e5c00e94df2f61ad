"""Verbs from a list of people to a campaign: create, preview, check and test."""

from pathlib import Path

import click

from campaign_admin.campaign.following import wait_for_end, wait_option
from campaign_admin.connecting.files import bar, opened
from campaign_admin.connecting.moments import moment_of, start_of
from campaign_admin.connecting.options import Verb, client_of, output_of
from campaign_admin.connecting.output import JsonObject, hint, show, show_rows

LEGACY_PATH = "/v1/camp/create"


@click.command("create", cls=Verb)
@click.option("--name", help="Name of the campaign (default: of the file).")
@click.option("--template", required=True, help="The message, or @FILE; {name}, {any column}.")
@click.option("--list", "list_id", type=int, help="A recipient list that is there.")
@click.option("--csv", "path", help="A file to upload as a list, - for stdin; see --id.")
@click.option("--at", metavar="TIME", help="When to start (default: a draft; now with --id).")
@click.option("--zone", help="The zone it is planned in, as Europe/Oslo.")
@click.option("--provider", help="The provider or route (default: that of the API).")
@wait_option
@click.option(
    "--id",
    "campaign_id",
    type=int,
    help="Number of the campaign, 1 to 1,099,511,627,775; --csv is then a path below CsvRoot.",
)
@click.pass_context
def create_(  # noqa: PLR0913 - one for each option
    context: click.Context,
    /,
    *,
    name: str | None,
    template: str,
    list_id: int | None,
    path: str | None,
    at: str | None,
    zone: str | None,
    provider: str | None,
    campaign_id: int | None,
    wait: bool,
) -> None:
    """Create a campaign: from a list, or from a CSV, which is uploaded first.

    Without --at it is a draft, for which --wait is refused.
    """
    _require_start(wait=wait, starts=at is not None or campaign_id is not None)
    if (list_id is None) == (path is None):
        raise click.UsageError("give one of --list and --csv")
    text = _template(template)
    if campaign_id is not None:
        if name is None or path is None:
            raise click.UsageError("--id goes with --name and --csv")
        moment = moment_of(at or "now", zone)
        _create_numbered(context, campaign_id, name, text, path, moment, wait=wait)
        return
    wanted: JsonObject = {"template": text}
    if at is not None:
        wanted |= start_of(at, zone)
    if provider is not None:
        wanted["provider"] = provider
    chosen_name = name or (Path(path).stem if path not in {None, "-"} else "campaign")
    client = client_of(context)
    if path is not None:
        with opened(path) as file, bar(context, "upload") as sent:
            list_id = client.upload_list(file, sent, name=chosen_name)["id"]
    made = client.create_campaign(wanted | {"name": chosen_name, "recipient_list_id": list_id})
    _show_made(context, made, wait=wait)


def _require_start(*, wait: bool, starts: bool) -> None:
    if wait and not starts:
        raise click.UsageError("a draft does not start: give --at with --wait")


def _show_made(context: click.Context, made: JsonObject, *, wait: bool) -> None:
    if output_of(context) == "text":
        click.echo(made["id"])
        hint(context, f"campaign {made['id']} is in the state {made['state']}")
    elif not wait:
        show(context, made)
    if wait:
        wait_for_end(context, made["id"])


def _create_numbered(
    context: click.Context,
    campaign_id: int,
    name: str,
    text: str,
    path: str,
    at: int,
    *,
    wait: bool,
) -> None:
    body = {
        "campaign_name": name,
        "campaign_id": campaign_id,
        "message_template": text,
        "scheduled_time": at,
        "csv_file_path": path,
    }
    done = client_of(context).create_numbered(body)
    if output_of(context) == "text":
        hint(
            context,
            f"campaign {campaign_id} is scheduled; follow it with: campaign watch {campaign_id}",
        )
    elif not wait:
        show(context, done)
    if wait:
        wait_for_end(context, campaign_id)


def _template(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{text[1:]} cannot be read as UTF-8 text") from error


@click.command("preview", cls=Verb)
@click.argument("campaign_id", type=int, required=False)
@click.option("--template", help="In place of a campaign: the message, or @FILE.")
@click.option("--list", "list_id", type=int, help="The recipient list of --template.")
@click.option("--limit", type=click.IntRange(1), help="How many messages.")
@click.pass_context
def preview_(
    context: click.Context,
    campaign_id: int | None,
    template: str | None,
    list_id: int | None,
    limit: int | None,
) -> None:
    """Show the first messages of a campaign, or of a template with a list."""
    if (template is None) != (list_id is None) or (campaign_id is None) == (template is None):
        raise click.UsageError("give CAMPAIGN_ID, or --template and --list")
    client = client_of(context)
    body: JsonObject = {} if limit is None else {"limit": limit}
    if template is not None:
        body |= {"template": _template(template), "recipient_list_id": list_id}
        found = client.post("/v1/previews", body)
    else:
        found = client.act(int(campaign_id or 0), "preview", body)
    if output_of(context) == "json":
        show(context, found)
        return
    show_rows(context, found["messages"], ("phone", "body"))
    if unknown := found.get("unknown_columns"):
        hint(context, f"the list has no column {', '.join(unknown)}: no campaign can be made so")


@click.command("check", cls=Verb)
@click.argument("campaign_id", type=int)
@click.pass_context
def check_(context: click.Context, campaign_id: int) -> None:
    """Show segments, missing values and cost of a campaign."""
    show(context, client_of(context).act(campaign_id, "dry-run"))


@click.command("test", cls=Verb)
@click.argument("campaign_id", type=int)
@click.option("--phone", required=True, help="Who gets the message.")
@click.option("--set", "values", multiple=True, metavar="COLUMN=VALUE", help="A value of a column.")
@click.pass_context
def test_(context: click.Context, campaign_id: int, phone: str, values: tuple[str, ...]) -> None:
    """Send one message of a campaign to a phone."""
    body: JsonObject = {"phone": phone}
    for value in values:
        column, equals, content = value.partition("=")
        if not equals:
            raise click.UsageError(f"--set {value} is not COLUMN=VALUE")
        body.setdefault("attributes", {})[column] = content
    show(context, client_of(context).act(campaign_id, "test", body))
