"""command_copies: shard commands that a shard's owner has copied from the main server.

A command is written on the main server, in the transaction that changes its campaign, and carried
out on the server that holds the shard, in the one that changes the ledger. In between the owner
copies it, in a transaction that begins with its claim: the row here says that the copy was made,
so that another attempt, or another owner, makes none. What is copied is deleted on the main
server; once it is gone there, the row here goes too.
"""

import json
from collections.abc import Collection, Iterable

from pymysql.cursors import Cursor

from campaign_common.database.cursors import ShardCursors
from campaign_common.store.shards.shard_commands import ShardCommand

# The time beside the id: a main server that was restored from a backup gives ids out again.
NOTE = """
INSERT IGNORE INTO command_copies (shard, command_id, requested_at) VALUES (%s, %s, %s)
"""

COPY = """
INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)
VALUES (%s, %s, %s, %s, %s)
"""

SELECT_NOTED = "SELECT command_id FROM command_copies WHERE shard = %s"

SELECT_OPEN = "SELECT id FROM shard_commands WHERE id IN %s"

FORGET = "DELETE FROM command_copies WHERE shard = %s AND command_id IN %s"

DELETE_COPIED = "DELETE FROM shard_commands WHERE id IN %s"


def copy_requests(cursor: Cursor, requests: Iterable[ShardCommand]) -> None:
    """Copy commands to the shard's server, but for those that were copied before."""
    for request in requests:
        if cursor.execute(NOTE, (request.shard, request.id, request.requested_at)):
            arguments = json.dumps(request.arguments)
            cursor.execute(
                COPY,
                (
                    request.shard,
                    request.campaign_id,
                    request.kind,
                    arguments,
                    request.requested_at,
                ),
            )


def delete_copied(cursor: Cursor, request_ids: Collection[int]) -> None:
    """Delete, on the main server, commands whose copies are committed."""
    cursor.execute(DELETE_COPIED, (tuple(request_ids),))


def settled_notes(cursors: ShardCursors, shard: int) -> set[int]:
    """List the copied commands that are gone from the main server."""
    cursors.own.execute(SELECT_NOTED, (shard,))
    noted = {command_id for (command_id,) in cursors.own.fetchall()}
    if not noted:
        return set()
    cursors.main.execute(SELECT_OPEN, (tuple(noted),))
    return noted - {command_id for (command_id,) in cursors.main.fetchall()}


def forget_notes(cursor: Cursor, shard: int, request_ids: Collection[int]) -> None:
    """Delete what says that commands were copied; the caller's transaction holds the claim."""
    if request_ids:
        cursor.execute(FORGET, (shard, tuple(request_ids)))
