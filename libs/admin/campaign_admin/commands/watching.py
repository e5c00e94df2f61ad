"""Watching a campaign until it ends: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from campaign_admin.commands.api_client import ApiClient, ApiUnreachable
from campaign_common.domain.campaign import OVER, CampaignId

PAUSE = 0.5
"""Seconds between two looks."""

LINE_EVERY = 2.0
"""Seconds between two lines where there is no terminal."""

PATIENCE = 60.0
"""Seconds without an answer after which watching is given up."""


def watch(client: ApiClient, campaign_id: CampaignId, console: Console) -> dict[str, Any]:
    """Show how the campaign comes along; returns its last description when it has ended.

    Raises:
        ApiRefused: there is no such campaign.
        ApiUnreachable: no answer for a minute.
    """
    descriptions = _descriptions(client, campaign_id)
    return _bar(descriptions, console) if console.is_terminal else _lines(descriptions, console)


def _descriptions(client: ApiClient, campaign_id: CampaignId) -> Iterator[dict[str, Any]]:
    answered = time.monotonic()
    while True:
        try:
            description = client.read(campaign_id)
            description["rest"] = describe_rest(client.read_progress(campaign_id))
        except ApiUnreachable:
            if time.monotonic() - answered > PATIENCE:
                raise
        else:
            answered = time.monotonic()
            yield description
            if description["state"] in OVER:
                return
        time.sleep(PAUSE)


def describe_rest(progress: dict[str, Any]) -> str | None:
    """Describe the rest of a campaign's provider; an API of 0.2.0 says nothing of it."""
    until = progress.get("rests_until")
    if until is None:
        return None
    return f"until {until} ({progress['rest_reason'].replace('_', ' ')})"


class _Rate(ProgressColumn):
    """Messages per second over the last half minute."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "-/s")


def _bar(descriptions: Iterator[dict[str, Any]], console: Console) -> dict[str, Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    description: dict[str, Any] = {}
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=None)
        for description in descriptions:
            progress.update(
                task,
                description=f"{description['name']} {_standing(description)}",
                completed=description["total"] - description["pending"],
                total=description["total"],
            )
    return description


def _lines(descriptions: Iterator[dict[str, Any]], console: Console) -> dict[str, Any]:
    description: dict[str, Any] = {}
    next_line = 0.0
    for description in descriptions:
        if time.monotonic() >= next_line or description["state"] in OVER:
            next_line = time.monotonic() + LINE_EVERY
            done = description["total"] - description["pending"]
            rate = description["rate"] or 0
            console.print(
                f"{_standing(description)} {done:,} of {description['total']:,}, {rate:,.0f}/s",
                highlight=False,
                markup=False,
            )
    return description


def _standing(description: dict[str, Any]) -> str:
    """Return the state of a campaign, and the rest of its provider."""
    rest = description["rest"]
    state = str(description["state"])
    return state if rest is None else f"{state}, rests {rest},"
