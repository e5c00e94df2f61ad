"""Reading the next chunk of a campaign, composed and ready to be published."""

from campaign_common.database import Cursor, Cursors, Databases
from campaign_common.errors import PublishingHeld, TopicMissing
from campaign_common.partition_map import PartitionMap
from campaign_common.recipient import TOMBSTONE
from campaign_common.store import fanout as store
from campaign_common.store.erasures import erased_shards
from campaign_common.store.partition_map import read_map
from campaign_scheduler.progress import Progress
from campaign_scheduler.records import Composed, Composer


def active_map(cursor: Cursor, topic: str) -> PartitionMap:
    """Read the partition map that may be published under now (protocol rule 11).

    Raises:
        TopicMissing: nobody has seen the topic yet.
        PublishingHeld: the map is being changed.
    """
    partition_map = read_map(cursor, topic)
    if partition_map is None:
        raise TopicMissing(f"topic {topic} has no partition map; campaign-topics create makes it")
    if not partition_map.is_active:
        raise PublishingHeld(f"the partition map of topic {topic} is draining")
    return partition_map


class ChunkReader:
    """Reads recipients by range, and leaves out what the ledger knows already."""

    def __init__(self, databases: Databases, topic: str) -> None:
        self._databases = databases
        self._topic = topic

    def read(self, progress: Progress, limit: int) -> tuple[Composed, PartitionMap]:
        """Compose up to `limit` recipients that follow what is read, and the map used.

        Raises:
            RetryLater: a database is away, or publishing is held.
        """
        with self._databases.reading() as cursors:
            partition_map = active_map(cursors.main, self._topic)
            return self._compose(cursors, progress, partition_map, limit), partition_map

    def _compose(
        self, cursors: Cursors, progress: Progress, partition_map: PartitionMap, limit: int
    ) -> Composed:
        lease = progress.lease
        rows = store.read_chunk(
            cursors.main, lease.list_id, progress.read_seq, lease.last_seq, limit
        )
        if not rows:
            return Composed([], 0, lease.last_seq)
        first, last = rows[0][0], rows[-1][0]
        recorded: set[int] = set()
        for cursor, shards in cursors.holding(range(lease.shards)):
            recorded |= store.recorded_seqs(cursor, lease.campaign_id, shards, first, last)
        composer = Composer(lease, progress.template, partition_map)
        tombstones = [row[0] for row in rows if row[1][0] == TOMBSTONE]
        erased = erased_shards(cursors.main, lease.list_id, tombstones)
        composed = composer.compose(rows, recorded, progress.refused, erased)
        if composed.recipients == len(rows) < limit:
            # Sequence numbers have gaps: the end of the list is where nothing follows.
            return composed._replace(last_seq=lease.last_seq)
        return composed
