"""campaign keys: API keys, by a key with the scope admin."""

import sys
from urllib.parse import quote

import click

from campaign_admin.connecting.exit_codes import ExitCode
from campaign_admin.connecting.options import Noun, client_of, confirm, given, output_of
from campaign_admin.connecting.output import hint, show, show_page

PATH = "/v1/api-keys"
SCOPES = ("read", "write", "admin")


@click.group("keys", cls=Noun)
def keys_() -> None:
    """List, create and revoke API keys."""


@keys_.command("list")
@click.pass_context
def list_keys(context: click.Context) -> None:
    """List the API keys, revoked ones too; they have no secrets."""
    columns = ("id", "name", "scope", "created_at", "last_used_at", "revoked_at")
    show_page(context, client_of(context), PATH, "api_keys", columns, {})


@keys_.command("create")
@click.option("--name", required=True, help="Under which its changes are noted in events.")
@click.option("--scope", type=click.Choice(SCOPES), required=True, help="What it may do.")
@click.pass_context
def create_key(context: click.Context, name: str, scope: str) -> None:
    """Create an API key and print it, this once."""
    made = client_of(context).post(PATH, {"name": name, "scope": scope})
    if made["key"] is None:
        # The request was repeated, and the answer to the first attempt, with the key, was lost.
        click.echo(
            f"the answer with the key was lost: campaign keys revoke {made['id']}, and repeat",
            err=True,
        )
        sys.exit(ExitCode.OUTSIDE)
    if output_of(context) != "text":
        show(context, made)
        return
    click.echo(made["key"])
    if not given(context, "quiet"):
        click.echo("send it as Authorization: Bearer; it is not shown again", err=True)


@keys_.command("revoke")
@click.argument("key_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def revoke_key(context: click.Context, key_id: str, *, yes: bool) -> None:
    """Revoke an API key by its id, for good."""
    confirm(f"Revoke the key {key_id}?", yes=yes)
    client_of(context).delete(f"{PATH}/{quote(key_id, safe='')}")
    hint(context, f"the key {key_id} is revoked")
