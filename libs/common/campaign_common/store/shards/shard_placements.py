"""shard_placements: where shards live that do not live on the main server, which has this table."""

from collections.abc import Mapping

from pymysql.cursors import Cursor

SELECT_HOMES = "SELECT shard, server FROM shard_placements"

DELETE_ALL = "DELETE FROM shard_placements"

INSERT = "INSERT INTO shard_placements (shard, server) VALUES (%s, %s)"

SELECT_WORKED_FOR = "SELECT shard, epoch FROM shard_claims"


def read_placements(cursor: Cursor) -> dict[int, str]:
    """Read which shards live elsewhere, and on which server."""
    cursor.execute(SELECT_HOMES)
    return dict(cursor.fetchall())


def write_placements(cursor: Cursor, placements: Mapping[int, str]) -> None:
    """Note which shards live elsewhere, in place of what was noted before."""
    cursor.execute(DELETE_ALL)
    if placements:
        cursor.executemany(INSERT, sorted(placements.items()))


def epochs_worked_in(cursor: Cursor) -> dict[int, int]:
    """Read the epochs of the shards that have a claim row here; 0 where no sender ever owned it."""
    cursor.execute(SELECT_WORKED_FOR)
    return dict(cursor.fetchall())
