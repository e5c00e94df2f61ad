"""campaign-topics: creates and describes the topic, and raises its partition count."""

import json
import time
from collections.abc import Callable

import click
from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.table import Table

from campaign_admin.commands.dead_letters import dead_letters
from campaign_admin.kafka.rights import lacking_rights
from campaign_admin.kafka.topic_report import PartitionReport, TopicReport, report_on
from campaign_common.database import Databases
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.errors import KafkaUnavailable, TopicMissing
from campaign_common.kafka import clients, topics
from campaign_common.kafka.dead_letters import dead_letter_topic
from campaign_common.kafka.partition_migration import PartitionMigration, RemapStep
from campaign_common.runtime.command_line import (
    configuration_option,
    one_line_failures,
    settings_or_exit,
)
from campaign_common.runtime.logs import configure_logging
from campaign_common.settings import Settings

STEP_INTERVAL = 0.5
"""Seconds between two steps of a change of the partition map."""

CREATE_TIMEOUT = 30.0
"""Seconds for a new topic to be known to the brokers and to have its partition map."""


@click.group()
@configuration_option
@click.version_option(package_name="camp-mgr", prog_name="campaign-topics")
def main() -> None:
    """Manage the topic of the messages, and its partition map."""


main.add_command(dead_letters)


@main.command("create")
@configuration_option
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    help="Partitions of a new topic (default: MsgTableShardingSize, one per shard).",
)
@click.option(
    "--replication-factor",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Brokers that hold each record; from 3 on, two must have it before it counts.",
)
@click.pass_context
def create_command(context: click.Context, partitions: int | None, replication_factor: int) -> None:
    """Create the topic, that of its dead letters, and the partition map; again changes nothing."""
    settings = settings_or_exit(context)
    topic = settings.sync_client.topic
    configure_logging("topics", settings.log)
    with one_line_failures("campaign-topics create"):
        databases, admin = Databases.configured(settings), clients.admin(settings)
        created = topics.create(
            admin,
            topic,
            partitions=partitions or settings.msg_table_sharding_size,
            replication_factor=replication_factor,
        )
        topics.create_dead_letters(
            admin, dead_letter_topic(topic), replication_factor=replication_factor
        )
        current = _follow(_partition_migration(settings, databases, admin), CREATE_TIMEOUT)
        databases.close()
    click.echo(
        f"topic {topic} {'created' if created else 'exists'}: {current.partitions} partitions,"
        f" partition map version {current.version}"
    )
    if not created and partitions not in (None, current.partitions):
        click.echo(f"to have {partitions} partitions: campaign-topics raise", err=True)


@main.command("describe")
@configuration_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def describe_command(context: click.Context, *, as_json: bool) -> None:
    """Show partitions, offsets, lag, and who owns which shard."""
    settings = settings_or_exit(context)
    with one_line_failures("campaign-topics describe"):
        databases = Databases.configured(settings)
        admin, topic = clients.admin(settings), settings.sync_client.topic
        report = report_on(databases, admin, topic, settings.send_client.group)
        kept = _kept(admin, topic)
        lacking = lacking_rights(admin, settings)
        databases.close()
    if as_json:
        rights = {str(one.right): one.programs for one in lacking}
        answer = {**report.as_json(), "retention": kept, "missing_rights": rights}
        click.echo(json.dumps(answer, indent=2))
        return
    _print(report)
    for name, how in kept.items():
        click.echo(f"topic {name} retention: {how}")
    for one in lacking:
        click.echo(f"this user lacks {one.right}, for {', '.join(one.programs)}")


@main.command("raise")
@configuration_option
@click.option("--partitions", type=click.IntRange(min=1), required=True, help="The new count.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=120.0,
    show_default=True,
    help="Seconds to wait until the new partitions are in use.",
)
@click.pass_context
def raise_command(context: click.Context, partitions: int, timeout: float) -> None:
    """Add partitions; publishing is held until the old ones are recorded to their end.

    Ends once the partition map has flipped. When the time is over before, the change goes on
    as soon as senders run: any scheduler completes it.
    """
    settings = settings_or_exit(context)
    topic = settings.sync_client.topic
    configure_logging("topics", settings.log)
    with one_line_failures("campaign-topics raise"):
        databases, admin = Databases.configured(settings), clients.admin(settings)
        present = topics.describe(admin, topic).partitions
        if partitions < present:
            raise click.BadParameter(
                f"topic {topic} has {present} partitions, and Kafka takes none away",
                param_hint="--partitions",
            )
        partition_migration = _partition_migration(settings, databases, admin)
        partition_migration.step()
        if partitions > present:
            topics.add_partitions(admin, topic, partitions)
            click.echo(f"topic {topic}: {present} -> {partitions} partitions")
        current = _follow(partition_migration, timeout, partitions, say=click.echo)
        databases.close()
    click.echo(f"partition map version {current.version}: {current.partitions} partitions in use")


def _kept(admin: AdminClient, topic: str) -> dict[str, str]:
    """Say how the records of the topic and its dead letters are kept, where Kafka tells."""
    kept = {}
    for name in (topic, dead_letter_topic(topic)):
        try:
            kept[name] = str(topics.settings_of(admin, name))
        except TopicMissing:
            continue
        except KafkaUnavailable as error:
            kept[name] = f"unknown, {error}"
    return kept


def _partition_migration(
    settings: Settings, databases: Databases, admin: AdminClient
) -> PartitionMigration:
    return PartitionMigration(databases, admin, settings.sync_client.topic, "campaign-topics")


def _follow(
    partition_migration: PartitionMigration,
    timeout: float,
    partitions: int = 0,
    say: Callable[[str], object] = lambda _: None,
) -> PartitionMap:
    """Take steps until the map is active with at least `partitions`.

    Raises:
        KafkaUnavailable: it was not within `timeout` seconds; says what it waits for.
    """
    give_up_at = time.monotonic() + timeout
    said = ""
    while True:
        try:
            step = partition_migration.step()
            current, waiting = step.partition_map, _waiting_for(step)
            if current.is_active and current.partitions >= partitions:
                return current
        except (TopicMissing, KafkaUnavailable) as error:
            waiting = str(error)
        if time.monotonic() >= give_up_at:
            raise KafkaUnavailable(f"not done within {timeout:g} s: {waiting}")
        if waiting != said:
            said = waiting
            say(waiting)
        time.sleep(STEP_INTERVAL)


def _waiting_for(step: RemapStep) -> str:
    if step.unrecorded:
        shards = ", ".join(str(shard) for shard in step.unrecorded)
        return f"the senders have not recorded everything yet of shards {shards}"
    return "Kafka does not show the new partitions yet"


def _print(report: TopicReport) -> None:
    current = report.partition_map
    click.echo(f"topic {report.topic}  id {report.description.topic_id}  group {report.group}")
    if current is None:
        click.echo("no partition map yet; campaign-topics create makes it")
    else:
        click.echo(
            f"partition map version {current.version}: {current.partitions} partitions,"
            f" {current.state}" + ("" if current.matches(report.description) else ", outdated")
        )
    columns = ("partition", "log start", "log end", "committed", "lag", "shards", "owner")
    table = Table(*columns, box=None)
    for partition in report.partitions:
        table.add_row(*_cells(partition))
    console = Console()
    console.print(table, width=None if console.is_terminal else 160)


def _cells(partition: PartitionReport) -> list[str]:
    return [
        str(partition.partition),
        str(partition.log_start),
        str(partition.log_end),
        "-" if partition.committed is None else str(partition.committed),
        "-" if partition.lag is None else str(partition.lag),
        " ".join(str(shard) for shard in partition.shards) or "-",
        " ".join(partition.owners) or "-",
    ]
