"""campaign api and completion."""

import json
import sys
from typing import Any

import click
from click.shell_completion import get_completion_class

from campaign_admin.connecting.files import opened
from campaign_admin.connecting.options import Verb, client_of

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@click.command("api", cls=Verb)
@click.argument("method", type=click.Choice(METHODS, case_sensitive=False))
@click.argument("path")
@click.option("-d", "--data", help="The JSON of the request; @FILE reads it, @- from stdin.")
@click.pass_context
def api_(context: click.Context, method: str, path: str, data: str | None) -> None:
    """Send a request to any path of the API, and print its answer as it is.

    A POST and a PUT carry an Idempotency-Key.
    """
    if not path.startswith("/"):
        raise click.UsageError("PATH begins with /, as /v1/campaigns")
    once = method in {"POST", "PUT"}
    body = _json(data) if data is not None else ({} if method == "POST" else None)
    for block in client_of(context).connection.blocks(method, path, body=body, once=once):
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


def _json(data: str) -> Any:  # noqa: ANN401 - any JSON
    text: str | bytes = data
    if data.startswith("@"):
        with opened(data[1:]) as file:
            file.seek(0)
            text = file.read()
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"-d is no JSON: {error}") from error


@click.command("completion", cls=Verb)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_(context: click.Context, shell: str) -> None:
    """Print the completion of a shell, for its start-up file."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    root = context.find_root().command
    click.echo(found(root, {}, "campaign", "_CAMPAIGN_COMPLETE").source())
