"""Counting what is delivered: the checkpoints of fan-out in MySQL."""

from collections.abc import Sequence
from enum import Enum, auto

import structlog
from pymysql.cursors import Cursor

from campaign_common.database import Database
from campaign_common.store import fanout as store
from campaign_common.store.partition_map import read_map
from campaign_scheduler.fanout.campaign_fan_out import Chunk, Progress
from campaign_scheduler.held_leases import Leases

_log = structlog.get_logger()

Delivered = tuple[Progress, Chunk]


class Verdict(Enum):
    """What becomes of a delivered chunk."""

    COUNTED = auto()
    OLD_MAP = auto()
    LEASE_LOST = auto()


class Checkpoints:
    """Moves the checkpoints of delivered chunks, several campaigns in one transaction."""

    def __init__(self, database: Database, leases: Leases, topic: str) -> None:
        self._database = database
        self._leases = leases
        self._topic = topic
        self.recipients = 0
        """How many were counted, for the metrics."""

    def count(self, delivered: Sequence[Delivered]) -> None:
        """Count delivered chunks, those of one campaign in their order.

        A chunk that may not count is published again: by this process when the partition map
        changed, by the next holder of the lease when the lease or the epoch was lost.

        Raises:
            RetryLater: the database is away, or the answer to COMMIT was lost; counting the
                same chunks again is right in both cases.
        """
        in_lock_order = sorted(delivered, key=lambda pair: pair[0].lease.campaign_id)
        verdicts = self._database.run(lambda cursor: self._verdicts(cursor, in_lock_order))
        lost: dict[tuple[int, int], Progress] = {}
        for (progress, chunk), verdict in zip(in_lock_order, verdicts, strict=True):
            if verdict is Verdict.COUNTED:
                progress.counted_first()
                self.recipients += chunk.checkpoint.recipients
                self._note_end(progress, chunk)
            elif verdict is Verdict.OLD_MAP:
                progress.rewind("the partition map has changed")
            else:
                lost[progress.lease.key] = progress
        self._drop(lost)

    def _verdicts(self, cursor: Cursor, delivered: Sequence[Delivered]) -> list[Verdict]:
        # Read after the last delivery report: a chunk counts only under a map that was still
        # active then, so everything counted lies below the ends that the flip notes.
        partition_map = read_map(cursor, self._topic)
        verdicts = []
        for _, chunk in delivered:
            if (
                partition_map is None
                or not partition_map.is_active
                or partition_map.version != chunk.map_version
            ):
                verdicts.append(Verdict.OLD_MAP)
            elif store.advance(cursor, chunk.checkpoint):
                verdicts.append(Verdict.COUNTED)
            else:
                verdicts.append(Verdict.LEASE_LOST)
        return verdicts

    def _drop(self, lost: dict[tuple[int, int], Progress]) -> None:
        if not lost:
            return
        for progress in lost.values():
            progress.rewind("the lease is lost")
            lease = progress.lease
            _log.info("lease lost", campaign=lease.campaign_id, trace_id=lease.trace_id)
        self._leases.give_back(lost)

    def _note_end(self, progress: Progress, chunk: Chunk) -> None:
        lease = progress.lease
        if chunk.checkpoint.last_seq < lease.last_seq:
            return
        if progress.counted == lease.total:
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
                found=progress.counted,
            )
