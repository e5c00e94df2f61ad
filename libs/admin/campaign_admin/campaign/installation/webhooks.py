"""campaign webhooks: URLs that events are posted to, by a key with the scope admin."""

import click

from campaign_admin.connecting.options import Noun, client_of, confirm, output_of
from campaign_admin.connecting.output import JsonObject, hint, show, show_page

PATH = "/v1/webhooks"


@click.group("webhooks", cls=Noun)
def webhooks_() -> None:
    """List, add, change, test and remove webhooks, and see their deliveries."""


@webhooks_.command("list")
@click.pass_context
def list_webhooks(context: click.Context) -> None:
    """List the webhooks, without their secrets."""
    columns = ("id", "url", "enabled", "disabled_reason", "kinds")
    show_page(context, client_of(context), PATH, "webhooks", columns, {})


@webhooks_.command("show")
@click.argument("webhook_id", type=int)
@click.pass_context
def show_webhook(context: click.Context, webhook_id: int) -> None:
    """Show a webhook, without its secret."""
    show(context, client_of(context).get(f"{PATH}/{webhook_id}"))


@webhooks_.command("add")
@click.argument("target", metavar="URL")
@click.option("--kind", "kinds", multiple=True, help="A kind of events (default: all).")
@click.option("--disabled", is_flag=True, help="Deliver nothing until it is enabled.")
@click.pass_context
def add_webhook(
    context: click.Context, target: str, kinds: tuple[str, ...], *, disabled: bool
) -> None:
    """Add a webhook and print it with its secret, this once."""
    wanted: JsonObject = {"url": target, "enabled": not disabled}
    if kinds:
        wanted["kinds"] = list(kinds)
    _show_secret(context, client_of(context).post(PATH, wanted))


@webhooks_.command("change")
@click.argument("webhook_id", type=int)
@click.option("--to", "new_url", metavar="URL", help="Where events are posted to.")
@click.option("--kind", "kinds", multiple=True, help="A kind of events; in place of those before.")
@click.option("--all-kinds", is_flag=True, help="Events of all kinds.")
@click.option("--enable/--disable", "enabled", default=None, help="Deliver, or do not.")
@click.pass_context
def change_webhook(
    context: click.Context,
    webhook_id: int,
    new_url: str | None,
    kinds: tuple[str, ...],
    *,
    all_kinds: bool,
    enabled: bool | None,
) -> None:
    """Change the URL, the kinds or the state of a webhook."""
    if kinds and all_kinds:
        raise click.UsageError("give one of --kind and --all-kinds")
    wanted: JsonObject = {}
    if new_url is not None:
        wanted["url"] = new_url
    if kinds or all_kinds:
        wanted["kinds"] = list(kinds) or None
    if enabled is not None:
        wanted["enabled"] = enabled
    if not wanted:
        raise click.UsageError("give something to change")
    connection = client_of(context).connection
    show(context, connection.json("PATCH", f"{PATH}/{webhook_id}", body=wanted))


@webhooks_.command("remove")
@click.argument("webhook_id", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove_webhook(context: click.Context, webhook_id: int, *, yes: bool) -> None:
    """Remove a webhook and the log of its deliveries."""
    confirm(f"Remove webhook {webhook_id}?", yes=yes)
    client_of(context).delete(f"{PATH}/{webhook_id}")
    hint(context, f"webhook {webhook_id} is removed")


@webhooks_.command("rotate")
@click.argument("webhook_id", type=int)
@click.pass_context
def rotate_secret(context: click.Context, webhook_id: int) -> None:
    """Replace the secret of a webhook and print it; the one before signs for 24 hours, too."""
    _show_secret(context, client_of(context).post(f"{PATH}/{webhook_id}/rotate"))


@webhooks_.command("test")
@click.argument("webhook_id", type=int)
@click.pass_context
def test_webhook(context: click.Context, webhook_id: int) -> None:
    """Have an event of the kind webhook.test delivered to a webhook."""
    show(context, client_of(context).post(f"{PATH}/{webhook_id}/test"))


@webhooks_.command("deliveries")
@click.argument("webhook_id", type=int)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--all", "every", is_flag=True, help="All pages.")
@click.pass_context
def deliveries(context: click.Context, webhook_id: int, *, limit: int, every: bool) -> None:
    """List the deliveries of a webhook, the newest first."""
    columns = ("id", "kind", "state", "tries", "status", "error", "due_at", "tried_at")
    path = f"{PATH}/{webhook_id}/deliveries"
    parameters = {"limit": limit}
    show_page(context, client_of(context), path, "deliveries", columns, parameters, every=every)


@webhooks_.command("redeliver")
@click.argument("webhook_id", type=int)
@click.argument("delivery_id", type=int)
@click.pass_context
def redeliver(context: click.Context, webhook_id: int, delivery_id: int) -> None:
    """Have an event delivered once more, under the same id."""
    path = f"{PATH}/{webhook_id}/deliveries/{delivery_id}/redeliver"
    show(context, client_of(context).post(path))


def _show_secret(context: click.Context, webhook: JsonObject) -> None:
    show(context, webhook)
    if output_of(context) == "text":
        hint(context, "keep the secret: it is not shown again")
