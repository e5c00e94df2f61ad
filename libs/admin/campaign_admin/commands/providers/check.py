"""campaign providers check: a request as it goes out, its answer, and how it is read."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from campaign_admin.commands.api_client import ApiClient, ApiUnreachable
from campaign_admin.commands.connection import client_of, connection_options
from campaign_admin.commands.providers.check_text import described, printable
from campaign_admin.connecting.options import failures_as_exit_codes, output_of
from campaign_common.errors import RetryLater
from campaign_common.runtime.command_line import EXIT_FAILURE

CONTENT_OPTIONS = ("text", "template", "language", "parts")

PAUSE = 0.3
"""Seconds between two looks at a check."""

PATIENCE = 120.0
"""Seconds after which a check is given up: longer than the longest one takes."""

SILENCE = 10.0
"""Seconds without an answer of the API after which it is given up, too."""

OPEN = frozenset({"waiting", "running"})
"""States of a check that has not ended."""


class CheckSilent(RetryLater):
    """A check has not ended for longer than any takes."""


@click.command()
@connection_options
@click.argument("name")
@click.option("--to", "phone", metavar="PHONE", help="The number that one message is sent to.")
@click.option("--dry-run", is_flag=True, help="Show the request, and send nothing.")
@click.option("--text", help="The text (default: a short one).")
@click.option("--template", metavar="NAME", help="A template of the provider, in place of a text.")
@click.option("--language", metavar="CODE", help="The language of the template.")
@click.option("--part", "parts", multiple=True, metavar="TEXT", help="A parameter of the template.")
@click.option("--from", "originator", metavar="SENDER", help="The originator of the message.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(
    context: click.Context,
    /,
    name: str,
    *,
    phone: str | None,
    dry_run: bool,
    **options: Any,  # noqa: ANN401 - click's
) -> None:
    """Show the request of a provider as it goes out, send it once, and show the answer.

    Secrets are masked, and the number but for its last two digits. A sender makes the check, as it
    makes the messages of campaigns. Exit code 0 when the message was accepted, or in a dry run.
    """
    if phone is None and not dry_run:
        raise click.UsageError("--to PHONE is missing; --dry-run goes without")
    given = {
        "dry_run": dry_run,
        "phone": phone,
        "from": options["originator"],
        "content": _content(**{key: options[key] for key in CONTENT_OPTIONS}),
    }
    wanted = {field: value for field, value in given.items() if value is not None}
    with failures_as_exit_codes(context):
        made = _made(client_of(context), name, wanted)
    if options["as_json"] or output_of(context) != "text":
        click.echo(json.dumps(made, indent=2))
    else:
        click.echo(printable(described(made)))
    if not _is_good(made):
        sys.exit(EXIT_FAILURE)


def _content(
    text: str | None, template: str | None, language: str | None, parts: Sequence[str]
) -> dict[str, Any] | None:
    if template is None:
        if language is not None or parts:
            raise click.UsageError("--language and --part go with --template")
        return None if text is None else {"kind": "text", "template": _literal(text)}
    if text is not None:
        raise click.UsageError("--text and --template are two messages; give one")
    if language is None:
        raise click.UsageError("--template needs its --language")
    return {
        "kind": "template",
        "name": template,
        "language": language,
        "parts": [*map(_literal, parts)],
    }


def _literal(text: str) -> str:
    """Return a template that is a text: braces are placeholders, and a check has no columns."""
    return text.replace("{", "{{").replace("}", "}}")


def _made(client: ApiClient, name: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Ask for a check and wait for its end.

    Raises:
        ApiRefused: says what is wrong.
        ApiUnreachable: the API does not answer.
        CheckSilent: the check does not end.
    """
    made = client.start_check(name, wanted)
    give_up_at = time.monotonic() + PATIENCE
    answered = time.monotonic()
    while made["state"] in OPEN:
        if time.monotonic() >= give_up_at:
            raise CheckSilent(
                f"check {made['id']} has not ended for {PATIENCE:.0f} s; the log of the senders"
                " says more, and the message may have been sent"
            )
        time.sleep(PAUSE)
        try:
            made = client.read_check(name, made["id"])
        except ApiUnreachable:
            if time.monotonic() - answered > SILENCE:
                raise
        else:
            answered = time.monotonic()
    return made


def _is_good(made: dict[str, Any]) -> bool:
    reading = made["reading"]
    if made["state"] != "done":
        return False
    return bool(made["dry_run"]) or (reading is not None and reading["word"] == "success")
