"""campaign-topics dlq: shows the dead letters, and publishes them again."""

import json
from functools import partial

import click
from rich.console import Console
from rich.table import Table

from campaign_common.database import Database
from campaign_common.errors import TopicMissing
from campaign_common.kafka import clients
from campaign_common.kafka.dead_letters import DeadLetter, opened_box
from campaign_common.kafka.producing import ReplacedProducer
from campaign_common.runtime.command_line import (
    configuration_option,
    one_line_failures,
    settings_or_exit,
)
from campaign_common.runtime.logs import configure_logging, mask_text
from campaign_common.store.shards.partition_map import read_map

SHOWN = 60
"""Characters shown of a record."""


@click.group("dlq")
@configuration_option
def dead_letters() -> None:
    """List and replay the records that no sender could read."""


@dead_letters.command("list")
@configuration_option
@click.option("--all", "replayed_too", is_flag=True, help="Show those replayed already, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per letter.")
@click.pass_context
def list_command(context: click.Context, *, replayed_too: bool, as_json: bool) -> None:
    """Show each dead letter with its reason and origin; phone numbers are masked."""
    settings = settings_or_exit(context)
    with one_line_failures("campaign-topics dlq list"), opened_box(settings) as box:
        letters = list(box.letters(replayed_too=replayed_too))
    if as_json:
        for letter in letters:
            click.echo(json.dumps(_as_json(letter)))
    else:
        _print(letters)


@dead_letters.command("replay")
@configuration_option
@click.pass_context
def replay_command(context: click.Context) -> None:
    """Publish the dead letters that were not replayed yet again, as they are."""
    settings = settings_or_exit(context)
    topic = settings.sync_client.topic
    configure_logging("topics", settings.log)
    with one_line_failures("campaign-topics dlq replay"), opened_box(settings) as box:
        database = Database(settings.mysql)
        with database.reading() as cursor:
            partition_map = read_map(cursor, topic)
        database.close()
        if partition_map is None:
            raise TopicMissing(f"topic {topic} has no partition map")
        count = box.replay(ReplacedProducer(partial(clients.producer, settings)), partition_map)
    click.echo(f"{count} dead letters replayed")


def _as_json(letter: DeadLetter) -> dict[str, object]:
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "origin_partition": letter.origin_partition,
        "origin_offset": letter.origin_offset,
        "failed_at": letter.failed_at.isoformat(),
        "record": _shown(letter),
    }


def _shown(letter: DeadLetter) -> str:
    return mask_text((letter.value or b"").decode(errors="backslashreplace"))


def _print(letters: list[DeadLetter]) -> None:
    table = Table("letter", "origin", "failed at", "reason", "record", box=None)
    for letter in letters:
        table.add_row(
            f"{letter.partition}:{letter.offset}",
            f"{letter.origin_partition}:{letter.origin_offset}",
            f"{letter.failed_at:%Y-%m-%d %H:%M:%S}Z",
            letter.reason,
            _shown(letter)[:SHOWN],
        )
    console = Console()
    console.print(table, width=None if console.is_terminal else 160)
    click.echo(f"{len(letters)} dead letters")
