"""Watching a campaign until it ends: a bar on a terminal, plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from campaign_client.client import Client

PAUSE = 0.5
"""Seconds between two looks."""

LINE_EVERY = 2.0
"""Seconds between two lines where there is no terminal."""


def watch(
    client: "Client", campaign_id: int, until: frozenset[str], *, quiet: bool = False
) -> dict[str, Any]:
    """Show how the campaign comes along; return its last description.

    It ends with the campaign, or in a state of `until`. Progress goes to stderr on a terminal, to
    stdout elsewhere, and nowhere with `quiet`.
    """
    descriptions = _descriptions(client, campaign_id, until)
    if quiet:
        return _last(descriptions)
    from rich.console import Console  # noqa: PLC0415 - no part of --help

    console = Console(stderr=True)
    return _bar(descriptions, console) if console.is_terminal else _lines(descriptions)


def _descriptions(
    client: "Client", campaign_id: int, until: frozenset[str]
) -> Iterator[dict[str, Any]]:
    from campaign_client.client import OVER  # noqa: PLC0415 - no part of --help

    while True:
        description = client.campaign(campaign_id)
        description["rest"] = rest_of(client.progress(campaign_id))
        yield description
        if description["state"] in OVER or description["state"] in until:
            return
        time.sleep(PAUSE)


def _last(descriptions: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return deque(descriptions, maxlen=1).pop()


def rest_of(progress: dict[str, Any]) -> str | None:
    """Describe the rest of a campaign's provider; an API of 0.2.0 says nothing of it."""
    until = progress.get("rests_until")
    if until is None:
        return None
    return f"until {until} ({progress['rest_reason'].replace('_', ' ')})"


def _bar(descriptions: Iterator[dict[str, Any]], console: "Console") -> dict[str, Any]:
    from rich.progress import (  # noqa: PLC0415 - no part of --help
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    description: dict[str, Any] = {}
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=None, rate="-")
        for description in descriptions:
            progress.update(
                task,
                description=f"{description['name']} {_standing(description)}",
                completed=description["total"] - description["pending"],
                total=description["total"],
                rate=f"{description['rate'] or 0:,.0f}",
            )
    return description


def _lines(descriptions: Iterator[dict[str, Any]]) -> dict[str, Any]:
    description: dict[str, Any] = {}
    next_line, shown_state = 0.0, None
    for description in descriptions:
        if time.monotonic() >= next_line or description["state"] != shown_state:
            next_line, shown_state = time.monotonic() + LINE_EVERY, description["state"]
            done = description["total"] - description["pending"]
            rate = description["rate"] or 0
            click.echo(
                f"{_standing(description)} {done:,} of {description['total']:,}, {rate:,.0f}/s"
            )
    return description


def _standing(description: dict[str, Any]) -> str:
    """Return the state of a campaign, and the rest of its provider."""
    rest = description["rest"]
    state = str(description["state"])
    return state if rest is None else f"{state}, rests {rest},"
