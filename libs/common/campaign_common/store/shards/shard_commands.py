"""shard_commands: commands to the owner of a shard, who alone may rewrite its outcomes.

A transaction that changes a campaign appends its commands. The owner executes each one in
slices. The rest of a command is stored in its arguments with each slice, so that the next owner
continues where the last one stopped.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import ShardCursors
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey, Status


class CommandKind(StrEnum):
    """The kind of a command to the owner of a shard."""

    SETTLE_CANCELLED = "settle_cancelled"
    """Messages that a cancelled campaign left waiting or in doubt get their final outcome."""
    RETRY = "retry"
    """Messages that ended in some way wait again, as a new generation."""
    RETRY_RECEIPTS = "retry_receipts"
    """Sent messages that were not delivered wait again, as a new generation."""
    ERASE = "erase"
    """Listed messages that are not sent are cancelled."""
    LATE_RESULTS = "late_results"
    """Facts about listed messages came in after their shard was lost."""
    RECEIPTS = "receipts"
    """Providers have reported about listed messages, of any campaign, that are not recorded as
    sent."""


class ShardCommand(NamedTuple):
    """One command; `kind` may be of a newer version than this one."""

    id: int
    shard: int
    campaign_id: CampaignId
    kind: str
    arguments: dict[str, Any]
    requested_at: datetime


INSERT = """
INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)
VALUES (%s, %s, %s, %s, NOW(6))
"""

INSERT_RECEIPTS = """
INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)
SELECT %s, 0, %s, %s, NOW(6) FROM DUAL
WHERE NOT EXISTS (SELECT 1 FROM shard_commands WHERE shard = %s AND kind = %s)
"""

SELECT_OF_SHARD = """
SELECT id, shard, campaign_id, kind, arguments, requested_at FROM shard_commands
WHERE shard = %s ORDER BY id LIMIT %s
"""

SELECT_ERASURES = """
SELECT campaign_id, arguments FROM shard_commands WHERE shard IN %s AND kind = 'erase'
"""

MOVE = "UPDATE shard_commands SET arguments = %s WHERE id = %s"

CLOSE = "DELETE FROM shard_commands WHERE id = %s"


def request_settlement(cursor: Cursor, campaign_id: CampaignId, shards: int) -> None:
    """Add commands to settle what a cancelled campaign leaves waiting or in doubt (rule 3)."""
    _append(cursor, campaign_id, CommandKind.SETTLE_CANCELLED, {n: {} for n in range(shards)})


def request_retry(
    cursor: Cursor,
    campaign_id: CampaignId,
    shards: int,
    statuses: Collection[Status],
    error_code: str | None,
) -> None:
    """Add commands to retry messages that ended in one of `statuses` (protocol rule 10).

    Part of `transitions.retry_messages`, which raises the campaign's epoch beside it.
    """
    arguments: dict[str, Any] = {
        "statuses": sorted(int(status) for status in statuses),
        "error_code": error_code,
        "after_seq": 0,
    }
    _append(cursor, campaign_id, CommandKind.RETRY, dict.fromkeys(range(shards), arguments))


def request_retry_of_undelivered(
    cursor: Cursor, campaign_id: CampaignId, shards: int, code: str | None
) -> None:
    """Have sent messages whose receipts say undelivered tried again (protocol rule 10).

    `code`: only those with this code. Part of `transitions.retry_undelivered`. A kind of its own:
    senders that do not know receipts leave it to newer ones.
    """
    arguments: dict[str, Any] = {"code": code, "after_seq": 0}
    _append(
        cursor, campaign_id, CommandKind.RETRY_RECEIPTS, dict.fromkeys(range(shards), arguments)
    )


def request_erasure(
    cursor: Cursor, campaign_id: CampaignId, seqs_by_shard: Mapping[int, Sequence[int]]
) -> None:
    """Add commands to cancel messages of a started campaign that are not sent yet."""
    _append(
        cursor,
        campaign_id,
        CommandKind.ERASE,
        {shard: {"seqs": list(seqs)} for shard, seqs in seqs_by_shard.items() if seqs},
    )


def request_late_results(
    cursor: Cursor, campaign_id: CampaignId, shard: int, seqs: Iterable[int]
) -> None:
    """Add a command to apply the facts in late_results to a shard (protocol rule 14)."""
    _append(cursor, campaign_id, CommandKind.LATE_RESULTS, {shard: {"seqs": list(seqs)}})


def request_receipts(cursor: Cursor, shard: int, messages: Sequence[Sequence[int]]) -> bool:
    """Have the owner of a shard look at open receipts (protocol rule 14).

    `messages`: campaign, seq and generation of each. A shard has one such command at a time:
    False: it is pending, and the receipts are to be named by a later look.
    """
    arguments = json.dumps({"messages": messages})
    kind = CommandKind.RECEIPTS.value
    return bool(cursor.execute(INSERT_RECEIPTS, (shard, kind, arguments, shard, kind)))


def read_commands(cursor: Cursor, shard: int, limit: int) -> list[ShardCommand]:
    """Read the oldest commands to the owner of a shard."""
    cursor.execute(SELECT_OF_SHARD, (shard, limit))
    return [
        ShardCommand(id_, number, campaign_id, kind, json.loads(arguments), requested_at)
        for id_, number, campaign_id, kind, arguments, requested_at in cursor.fetchall()
    ]


def to_be_erased(cursors: ShardCursors, shards: Collection[int]) -> set[MessageKey]:
    """Return the messages that the owners of shards are asked to cancel."""
    erased: set[MessageKey] = set()
    for cursor in _each(cursors):
        cursor.execute(SELECT_ERASURES, (tuple(shards),))
        erased.update(
            MessageKey(campaign_id, seq)
            for campaign_id, arguments in cursor.fetchall()
            for seq in json.loads(arguments).get("seqs", ())
        )
    return erased


def move_command(cursor: Cursor, command: ShardCommand, arguments: Mapping[str, Any]) -> None:
    """Note what is left of a command, in the transaction that carried out a part of it."""
    cursor.execute(MOVE, (json.dumps(arguments), command.id))


def close_command(cursor: Cursor, command: ShardCommand) -> None:
    """Delete a command that is carried out."""
    cursor.execute(CLOSE, (command.id,))


def _each(cursors: ShardCursors) -> Iterator[Cursor]:
    """Go through the servers that may hold an order to a shard, the main one first.

    What is forwarded meanwhile is then met at least once: it goes from the main server only when
    the shard's has it.
    """
    yield cursors.main
    if cursors.own is not cursors.main:
        yield cursors.own


def _append(
    cursor: Cursor,
    campaign_id: CampaignId,
    kind: CommandKind,
    of_shards: Mapping[int, Mapping[str, Any]],
) -> None:
    cursor.executemany(
        INSERT,
        [
            (shard, campaign_id, kind.value, json.dumps(arguments))
            for shard, arguments in of_shards.items()
        ],
    )
