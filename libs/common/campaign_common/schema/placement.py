"""Comparison of the shards' servers with those that the configuration names.

A shard that is looked for on a server without its ledger would be sent from the beginning again. So
the main server notes where shards live, services do not start on another word than that, and only
who has moved a shard's data changes it.
"""

from collections.abc import Iterable, Mapping

from campaign_common.database import Database, Databases
from campaign_common.errors import ShardsMisplaced
from campaign_common.store.shards.shard_placements import (
    epochs_worked_in,
    read_placements,
    write_placements,
)

PAGE = "docs/operations/database-servers.md"

Placements = Mapping[int, str]
"""The servers of the shards that do not live on the main one."""


def configured_placements(databases: Databases) -> Placements:
    """Name the servers of the shards that do not live on the main one."""
    return {shard: databases.of_shard(shard).name for shard in databases.remote_shards}


def contradictions(noted: Placements, configured: Placements, shards: Iterable[int]) -> list[str]:
    """Describe the shards whose server in the configuration differs from the recorded one."""
    return [
        f"shard {shard} lives on {noted.get(shard, 'the main server')}, and by MysqlShards on"
        f" {configured.get(shard, 'the main server')}"
        for shard in shards
        if noted.get(shard) != configured.get(shard)
    ]


def intended_placements(databases: Databases, shards: int, *, moved: bool) -> Placements:
    """Say where the shards are to live by the configuration, provided that their data is there.

    `moved`: shards that senders have worked for were moved, with all that belongs to them; of a
    server that is not configured any more this is believed. Every server has its tables by now,
    but for those of new shards.

    Raises:
        ShardsMisplaced: they were not, or another server has later work for one of them, or
            their server has lost what it had.
        RetryLater: a server is away.
    """
    with databases.main.reading() as cursor:
        noted = read_placements(cursor)
    configured = configured_placements(databases)
    worked_for = {database: _epochs(database) for database in databases.all}
    names = {database.name for database in databases.all}
    for shard in range(shards):
        latest = max(epochs.get(shard, 0) for epochs in worked_for.values())
        home = databases.of_shard(shard)
        if worked_for[home].get(shard, 0) < latest:
            raise ShardsMisplaced(
                f"shard {shard} is to live on {home.name}, and another server has later work for"
                f" it: move its data first, see {PAGE}"
            )
        if noted.get(shard) == home.name and shard not in worked_for[home] and not moved:
            raise ShardsMisplaced(
                f"shard {shard} lives on {home.name}, which has nothing of it any more: restore"
                f" its data, or campaign-db migrate --moved to begin without it; see {PAGE}"
            )
        cannot_be_asked = noted.get(shard, home.name) not in names
        if (latest or cannot_be_asked) and not moved:
            for said in contradictions(noted, configured, [shard]):
                raise ShardsMisplaced(f"{said}: campaign-db migrate --moved, if it was; see {PAGE}")
    # What is noted of shards that this configuration does not know of stays.
    return {n: home for n, home in noted.items() if n >= shards} | dict(configured)


def note_placements(database: Database, placements: Placements) -> None:
    """Note on the main server where the shards live, once their servers have their tables.

    Raises:
        RetryLater: it is away.
    """
    with database.reading() as cursor:
        noted = read_placements(cursor)
    if noted != placements:
        database.run(lambda cursor: write_placements(cursor, placements))


def _epochs(database: Database) -> dict[int, int]:
    with database.reading() as cursor:
        return epochs_worked_in(cursor)
