"""Writer of fan-out's checkpoints in MySQL."""

from collections.abc import Sequence
from enum import Enum, auto

import structlog
from pymysql.cursors import Cursor

from campaign_common.database import Database
from campaign_common.store.campaigns import fanout as store
from campaign_common.store.campaigns.leases import LeaseKey
from campaign_common.store.shards.partition_map import read_map
from campaign_scheduler.fanout.campaign_fan_out import CampaignFanOut, PublishedChunk
from campaign_scheduler.held_leases import HeldLeases
from campaign_scheduler.metrics import RECIPIENTS_PUBLISHED

_log = structlog.get_logger()

DeliveredChunk = tuple[CampaignFanOut, PublishedChunk]


class CheckpointResult(Enum):
    """Result of writing the checkpoint of a delivered chunk."""

    COMMITTED = auto()
    MAP_CHANGED = auto()
    LEASE_LOST = auto()


class CheckpointWriter:
    """Writer of the checkpoints of delivered chunks, several campaigns in one transaction."""

    def __init__(self, database: Database, leases: HeldLeases, topic: str) -> None:
        self._database = database
        self._leases = leases
        self._topic = topic

    def commit(self, delivered: Sequence[DeliveredChunk]) -> None:
        """Commit the checkpoints of delivered chunks, those of one campaign in their order.

        A chunk whose checkpoint cannot be committed is published again: by this process if the
        partition map changed, by the next holder of the lease if the lease or the epoch was lost.

        Raises:
            RetryLater: the database is down, or the answer to COMMIT was lost; committing the
                same chunks again is safe in both cases.
        """
        in_lock_order = sorted(delivered, key=lambda pair: pair[0].lease.campaign_id)
        results = self._database.run(lambda cursor: self._advance(cursor, in_lock_order))
        lost: dict[LeaseKey, CampaignFanOut] = {}
        for (fan_out, chunk), result in zip(in_lock_order, results, strict=True):
            if result is CheckpointResult.COMMITTED:
                fan_out.commit_oldest()
                RECIPIENTS_PUBLISHED.inc(chunk.checkpoint.recipients)
                _log_end(fan_out, chunk)
            elif result is CheckpointResult.MAP_CHANGED:
                fan_out.rewind("the partition map has changed")
            else:
                lost[fan_out.lease.key] = fan_out
        self._drop_lost(lost)

    def _advance(
        self, cursor: Cursor, delivered: Sequence[DeliveredChunk]
    ) -> list[CheckpointResult]:
        # Read after the last delivery report: a checkpoint is committed only under a map that was
        # still active then, so all records before it lie below the offsets that the switch to the
        # next map notes.
        partition_map = read_map(cursor, self._topic)
        results = []
        for _, chunk in delivered:
            if (
                partition_map is None
                or not partition_map.is_active
                or partition_map.version != chunk.map_version
            ):
                results.append(CheckpointResult.MAP_CHANGED)
            elif store.advance(cursor, chunk.checkpoint):
                results.append(CheckpointResult.COMMITTED)
            else:
                results.append(CheckpointResult.LEASE_LOST)
        return results

    def _drop_lost(self, lost: dict[LeaseKey, CampaignFanOut]) -> None:
        if not lost:
            return
        for fan_out in lost.values():
            fan_out.rewind("the lease is lost")
            lease = fan_out.lease
            _log.info("lease lost", campaign=lease.campaign_id, trace_id=lease.trace_id)
        self._leases.release(lost)


def _log_end(fan_out: CampaignFanOut, chunk: PublishedChunk) -> None:
    lease = fan_out.lease
    if chunk.checkpoint.last_seq < lease.last_seq:
        return
    if fan_out.committed == lease.total:
        _log.info(
            "campaign fanned out",
            campaign=lease.campaign_id,
            trace_id=lease.trace_id,
            total=lease.total,
        )
    else:
        _log.error(
            "recipient list has changed since the campaign started",
            campaign=lease.campaign_id,
            trace_id=lease.trace_id,
            total=lease.total,
            found=fan_out.committed,
        )
