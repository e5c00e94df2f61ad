"""Transaction of the recorder: claims, outcomes and counters (protocol rules 2 to 4)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.claim import ClaimedMessage, encode_claim
from campaign_common.domain.content.price import Charge
from campaign_common.domain.message import Status
from campaign_common.store.core.costs import CostKey, add_costs
from campaign_common.store.core.possible_duplicates import RepeatedKey, add_possible_duplicates
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    costs_of,
    count_changes,
    insert_outcomes,
    repeated_sends,
)
from campaign_common.store.messages.possibly_sent import note_possibly_sent
from campaign_common.store.messages.retry_schedule import (
    ScheduledRetry,
    forget_retries,
    schedule_retries,
)
from campaign_common.store.receipts.provider_ids import IdentifiedMessage, insert_provider_ids
from campaign_common.store.shards.claims import ClaimWrite, write_claim
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message

NO_SENDS: Mapping[RepeatedKey, int] = MappingProxyType({})


class ShardWrites(NamedTuple):
    """Writes of one transaction for one shard."""

    owned: OwnedShard
    rows: list[LedgerRow]
    """Outcomes to record."""
    retries: list[ScheduledRetry]
    """Those outcomes that wait for another try, with their delay in seconds."""
    claimed: list[Message]
    """Complete claim list after this transaction."""
    recorded_offset: int
    ids: Sequence[IdentifiedMessage] = ()
    """Ids by which the receipts of some of the messages are found."""


class WriteResult(NamedTuple):
    """Effect of a transaction, valid once it is committed."""

    fenced: set[int]
    """Shards of other owners, which were left out."""
    changes: Counter[tuple[CampaignId, int, Status]]
    """Changes of the counters by (campaign, shard, status)."""
    repeated: Mapping[RepeatedKey, int] = NO_SENDS
    """Sends that were repeated after a doubt, by (campaign, shard, provider)."""


def write(
    cursor: Cursor, shard_writes: Sequence[ShardWrites], late: Mapping[RepeatedKey, int] = NO_SENDS
) -> WriteResult:
    """Write everything for the shards that still belong to this owner.

    Shards are locked in rising order, so that two transactions never deadlock. `late`: repeated
    sends whose shards belong to others by now, which count all the same.

    Raises:
        pymysql.err.IntegrityError: an outcome existed already; nothing may be committed.
    """
    fenced: set[int] = set()
    changes: Counter[tuple[CampaignId, int, Status]] = Counter()
    costs: dict[CostKey, Charge] = {}
    repeated: Counter[RepeatedKey] = Counter(late)
    for writes in shard_writes:
        if not write_claim(cursor, _claim_write_of(writes)):
            fenced.add(writes.owned.shard)
            continue
        if writes.rows:
            _write_outcomes(cursor, writes)
            changes.update(count_changes(writes.owned.shard, writes.rows))
            costs |= costs_of(writes.owned.shard, writes.rows)
            repeated += repeated_sends(writes.owned.shard, writes.rows)
    add_counts(cursor, changes)
    add_costs(cursor, costs)
    add_possible_duplicates(cursor, repeated)
    return WriteResult(fenced, changes, repeated)


def _claim_write_of(writes: ShardWrites) -> ClaimWrite:
    owned = writes.owned
    return ClaimWrite(
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
    insert_provider_ids(cursor, writes.ids)
    schedule_retries(cursor, shard, writes.retries)
    ended: dict[CampaignId, list[int]] = defaultdict(list)
    left: list[ClaimedMessage] = []
    for row in writes.rows:
        left += row.left_doubts
        if row.replaces and row.status is not Status.WAITING:
            ended[row.campaign_id].append(row.seq)
    note_possibly_sent(cursor, shard, left)
    for campaign_id, seqs in ended.items():
        forget_retries(cursor, shard, campaign_id, seqs)
