"""campaign providers limits: limits of a provider over all senders, changed live."""

import sys
from typing import Any
from urllib.parse import quote

import click

from campaign_admin.connecting.exit_codes import ExitCode
from campaign_admin.connecting.options import Noun, client_of
from campaign_admin.connecting.output import JsonObject, show

NONE = "none"
"""The value of an option that removes a limit."""

UNITS = ("messages", "segments")


@click.group("limits", cls=Noun)
def limits() -> None:
    """Show and change the limits of a provider."""


@limits.command("show")
@click.argument("name")
@click.pass_context
def show_limits(context: click.Context, name: str) -> None:
    """Show the limits of a provider that hold now, and where they come from."""
    _show(context, client_of(context).get(_path(name)))


@limits.command("set")
@click.argument("name")
@click.option("--per-second", metavar="N|none", help="Sends a second; fractions too.")
@click.option("--unit", type=click.Choice(UNITS), help="What --per-second counts.")
@click.option("--concurrency", metavar="N|none", help="Requests under way.")
@click.option("--per-day", metavar="N|none", help="Sends a day.")
@click.option("--zone", help="The zone whose days count, as Europe/Oslo.")
@click.option(
    "--ramp",
    multiple=True,
    metavar="DAY=PER_SECOND[/PER_DAY]",
    help="Limits from a day on, in place of the ramp before; none removes it.",
)
@click.pass_context
def set_limits(context: click.Context, /, name: str, ramp: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401 - of any option
    """Change limits of a provider, within 2 seconds; those that are not given stay."""
    changes: JsonObject = {
        field: value if field in {"unit", "zone"} else _number(field, value)
        for field, value in chosen.items()
        if value is not None
    }
    if ramp:
        changes["ramp"] = [] if ramp == (NONE,) else [_step(text) for text in ramp]
    if not changes:
        raise click.UsageError("give a limit to change")
    client = client_of(context)
    present = client.get(_path(name))["limits"]
    if present is None:
        click.echo(f"the limits of {name} are of a newer version; use its command", err=True)
        sys.exit(ExitCode.REFUSED)
    _show(context, client.connection.json("PUT", _path(name), body=present | changes))


@limits.command("reset")
@click.argument("name")
@click.pass_context
def reset_limits(context: click.Context, name: str) -> None:
    """Remove the limits that were set here: the configured ones hold again."""
    _show(context, client_of(context).delete(_path(name)))


def _path(name: str) -> str:
    return f"/v1/providers/{quote(name, safe='')}/limits"


def _show(context: click.Context, found: JsonObject) -> None:
    show(context, found, {"source": found["source"], **(found["limits"] or {})})


def _number(field: str, text: str) -> float | int | None:
    if text == NONE:
        return None
    try:
        number = float(text) if field == "per_second" else int(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is neither a number nor {NONE}") from error
    return number


def _step(text: str) -> JsonObject:
    day, equals, rates = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not DAY=PER_SECOND, as 2027-01-31=10")
    per_second, slash, per_day = rates.partition("/")
    return {
        "from": day,
        "per_second": _number("per_second", per_second or NONE),
        "per_day": _number("per_day", per_day) if slash else None,
    }
