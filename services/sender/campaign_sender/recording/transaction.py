"""One transaction of the recorder: claims moved, outcomes written, counters kept (rules 2 to 4)."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.claim import encode_claim
from campaign_common.message import Status
from campaign_common.store.claims import ClaimMove, move_claim
from campaign_common.store.ledger import LedgerRow, add_counts, count_changes, insert_outcomes
from campaign_common.store.retry_schedule import Retry, forget_retries, schedule_retries
from campaign_common.wire import MessageRecord
from campaign_sender.in_flight.owned_shard import OwnedShard


class ShardWrites(NamedTuple):
    """What one transaction does for one shard."""

    owned: OwnedShard
    rows: list[LedgerRow]
    """The outcomes that are recorded."""
    retries: list[Retry]
    """Those of them that wait for another try."""
    claimed: list[MessageRecord]
    """The whole claim list after this transaction."""
    recorded_offset: int


class WriteResult(NamedTuple):
    """What a transaction has done once it is committed."""

    fenced: set[int]
    """Shards that belong to another owner and were left out."""
    changes: Counter[tuple[int, int, Status]]
    """Of the counters: how many more of (campaign, shard, status)."""


def write(cursor: Cursor, shard_writes: Sequence[ShardWrites]) -> WriteResult:
    """Write everything of the shards that still belong to this owner.

    Shards are taken in rising order, so that two transactions never wait for each other in a
    circle.

    Raises:
        pymysql.err.IntegrityError: an outcome was there already; nothing may be committed.
    """
    fenced: set[int] = set()
    changes: Counter[tuple[int, int, Status]] = Counter()
    for writes in shard_writes:
        if not move_claim(cursor, _move_of(writes)):
            fenced.add(writes.owned.shard)
            continue
        if writes.rows:
            _write_outcomes(cursor, writes)
            changes.update(count_changes(writes.owned.shard, writes.rows))
    add_counts(cursor, changes)
    return WriteResult(fenced, changes)


def _move_of(writes: ShardWrites) -> ClaimMove:
    owned = writes.owned
    return ClaimMove(
        owned.shard,
        owned.epoch,
        owned.owner_token,
        owned.transaction_number,
        encode_claim(writes.claimed),
        writes.recorded_offset,
    )


def _write_outcomes(cursor: Cursor, writes: ShardWrites) -> None:
    shard = writes.owned.shard
    insert_outcomes(cursor, shard, writes.rows)
    schedule_retries(cursor, shard, writes.retries)
    ended: dict[int, list[int]] = defaultdict(list)
    for row in writes.rows:
        if row.replaces and row.status is not Status.WAITING:
            ended[row.campaign_id].append(row.seq)
    for campaign_id, seqs in ended.items():
        forget_retries(cursor, shard, campaign_id, seqs)
