"""campaign-db hold: pauses every campaign of a database that was restored from a backup."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import click

from campaign_admin.commands.actor import command_actor
from campaign_admin.maintenance.spent_budgets import charge_spent
from campaign_common.database import Cursor, Database, Databases
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.errors import CommitUnknown
from campaign_common.runtime.command_line import (
    configuration_option,
    one_line_failures,
    settings_or_exit,
)
from campaign_common.store.core.counters import counts
from campaign_common.store.maintenance.restore_hold import (
    Held,
    counted_campaigns,
    disown_shards,
    hold_campaigns,
    set_aside_unknown,
)
from campaign_common.store.maintenance.statistics import live_senders

PAGE = 100

ALIVE = """\
warning: senders are alive in this database: {names}. Stop them and every other service, unless this
is not the restored database: messages that they have sent cannot be taken back."""

NEXT = """\
What was sent after the backup is not in this database. Now:
1. start the senders alone. They record messages that may have been sent since the backup, as far
   as Kafka still has their records, as possibly sent or unknown. They send nothing.
2. wait until campaign-topics describe shows no lag
3. start schedulers and the API, and resume, schedule or cancel each campaign above
docs/operations/backup.md names the facts that are unknown after a restore."""

UNKNOWN = """\
campaign {id}: {server} has outcomes of it, and it is not in the main database; its id is not
used again, and campaign-db purge deletes its rows"""

T = TypeVar("T")


@click.command("hold")
@configuration_option
@click.pass_context
def hold(context: click.Context) -> None:
    """Hold all campaigns of a database that was restored from a backup, before services start.

    Running campaigns are paused and scheduled ones become drafts; each continues only when it is
    resumed or scheduled. Earlier records and claims become stale. Idempotent.
    """
    databases = Databases.configured(settings_or_exit(context))
    with one_line_failures("campaign-db hold"):
        with databases.reading() as cursors:
            alive = [sender.name for sender in live_senders(cursors)]
        if alive:
            click.echo(ALIVE.format(names=", ".join(alive)), err=True)
        for database in databases.all:
            _run(database, disown_shards)
        for database in databases.all[1:]:
            for campaign_id in _set_aside(databases.main, database):
                click.echo(UNKNOWN.format(id=campaign_id, server=database.name))
        held = _hold_all(databases.main)
        charge_spent(databases)
        for campaign in held:
            click.echo(_described(databases, campaign))
    click.echo(f"{len(held)} campaigns are held")
    if held:
        click.echo(NEXT)


def _hold_all(database: Database) -> list[Held]:
    held: list[Held] = []
    after_id: int | None = 0
    while after_id is not None:
        hold_page = partial(hold_campaigns, actor=command_actor(), after_id=after_id, limit=PAGE)
        page, after_id = _run(database, hold_page)
        held += page
    return held


def _set_aside(main: Database, database: Database) -> list[CampaignId]:
    with database.reading() as cursor:
        counted = counted_campaigns(cursor)
    return _run(main, partial(set_aside_unknown, counted=counted, actor=command_actor()))


def _run(database: Database, work: Callable[[Cursor], T]) -> T:
    """Run a transaction, once more where the answer to its COMMIT was lost."""
    try:
        return database.run(work)
    except CommitUnknown:
        return database.run(work)


def _described(databases: Databases, campaign: Held) -> str:
    said = f"campaign {campaign.id} {campaign.name}: was {campaign.before}, is {campaign.after}"
    if campaign.before is CampaignState.SCHEDULED:
        return f"{said}; was to start at {campaign.scheduled_at:%Y-%m-%d %H:%M:%S} (UTC)"
    with databases.reading() as cursors:
        counted = counts(cursors, campaign.id)
    words = ", ".join(f"{n:,} {status.word}" for status, n in sorted(counted.items()) if n)
    return f"{said}; at the backup {words or 'nothing was recorded'}"
