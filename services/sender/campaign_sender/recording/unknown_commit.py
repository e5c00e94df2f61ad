"""A COMMIT without an answer: what it was about, and what became of it (protocol rule 4)."""

from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.claims import lock_claim
from campaign_sender.in_flight.buffer import RecorderBatch
from campaign_sender.recording.transaction import ShardWrites, WriteResult


class UnknownCommit(NamedTuple):
    """A transaction whose COMMIT was not answered."""

    batch: RecorderBatch
    shard_writes: list[ShardWrites]
    written: WriteResult
    """What it has done if it took effect."""


def resolve_commit(cursor: Cursor, shard_writes: Sequence[ShardWrites]) -> tuple[bool, set[int]]:
    """Read whether a transaction took effect, and which shards went to other owners since.

    The rows are read with a lock, so that a commit still under way is waited for. A number
    that moved under this owner's token, by exactly that transaction, proves it. Without a row
    that could prove it the transaction is repeated: what it wrote for shards of other owners
    it leaves out then, and to append a fact a second time does no harm.
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
