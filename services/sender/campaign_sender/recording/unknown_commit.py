"""Unknown commits: transactions whose COMMIT got no response (protocol rule 4, fencing)."""

from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.shards.claims import lock_claim
from campaign_sender.in_flight.buffer import RecorderBatch
from campaign_sender.recording.transaction import ShardWrites, WriteResult


class UnknownCommit(NamedTuple):
    """Transaction whose COMMIT got no response."""

    batch: RecorderBatch
    shard_writes: list[ShardWrites]
    written: WriteResult
    """Its effect, if it was committed."""


def resolve_commit(cursor: Cursor, shard_writes: Sequence[ShardWrites]) -> tuple[bool, set[int]]:
    """Return whether a transaction was committed, and the shards that other owners took since.

    The rows are read with a lock, so that a commit in progress is waited for. A transaction number
    that advanced under this owner's token proves the commit. If no row can prove it, the
    transaction is retried without the shards that moved; re-appending a late result is harmless.
    """
    committed = False
    fenced: set[int] = set()
    for owned in (writes.owned for writes in shard_writes):
        row = lock_claim(cursor, owned.shard)
        if row is None or row.owner_token != owned.owner_token:
            fenced.add(owned.shard)
        else:
            committed = row.transaction_number != owned.transaction_number
    return committed, fenced
