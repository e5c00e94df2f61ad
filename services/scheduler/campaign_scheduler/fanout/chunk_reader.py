"""Reader of the next chunk of a campaign."""

from dataclasses import replace
from functools import partial

from campaign_common.database import Cursor, Databases
from campaign_common.domain.content.unsubscribe_link import MakeLink
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.recipient import TOMBSTONE
from campaign_common.store.campaigns import fanout as store
from campaign_common.store.campaigns.leases import Lease
from campaign_common.store.recipients.erasures import erased_shards
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.fanout.campaign_fan_out import CampaignFanOut
from campaign_scheduler.publishing.active_map import active_map
from campaign_scheduler.publishing.message_links import links_in
from campaign_scheduler.publishing.record_builder import RecordBuilder, RecordChunk


class ChunkReader:
    """Reader of recipients by range that leaves out those that have a ledger row.

    Rows on a server that is down cannot be read, and nothing is left out for them. A sender that
    gets such a record looks it up and drops it (protocol rule 1).
    """

    def __init__(
        self,
        databases: Databases,
        availability: ServerAvailability,
        topic: str,
        links: UnsubscribeLinks | None = None,
    ) -> None:
        """Read for a topic; `links` makes the links to unsubscribe in messages."""
        self._links = links
        self._databases = databases
        self._availability = availability
        self._topic = topic

    def read(self, fan_out: CampaignFanOut, limit: int) -> tuple[RecordChunk, PartitionMap]:
        """Build the records of up to `limit` recipients; return them and the map used.

        Raises:
            LinksUnsigned: its messages have links that can not be made here.
            RetryLater: the main server is down, or publishing is held.
        """
        link = links_in(fan_out.lease, self._links)
        with self._databases.main.reading() as cursor:
            partition_map = active_map(cursor, self._topic)
            return self._build(cursor, fan_out, partition_map, limit, link), partition_map

    def _build(
        self,
        cursor: Cursor,
        fan_out: CampaignFanOut,
        partition_map: PartitionMap,
        limit: int,
        link: MakeLink | None,
    ) -> RecordChunk:
        # A rate that is set while it runs raises the version of its records.
        lease = replace(fan_out.lease, max_rate=fan_out.max_rate)
        rows = store.read_chunk(cursor, lease.list_id, fan_out.read_seq, lease.last_seq, limit)
        if not rows:
            return RecordChunk({}, 0, lease.last_seq)
        recorded = self._recorded(cursor, lease, rows[0][0], rows[-1][0])
        builder = RecordBuilder(lease, fan_out.content, partition_map, link)
        tombstones = [row[0] for row in rows if row[1][0] == TOMBSTONE]
        erased = erased_shards(cursor, lease.list_id, tombstones)
        chunk = builder.build_chunk(rows, recorded, fan_out.refused, erased)
        if chunk.recipients == len(rows) < limit:
            # Sequence numbers have gaps: the end of the list is where nothing follows.
            return chunk._replace(last_seq=lease.last_seq)
        return chunk

    def _recorded(self, main: Cursor, lease: Lease, first: int, last: int) -> set[int]:
        recorded: set[int] = set()
        for database, shards in self._databases.holding(range(lease.shards)):
            query = partial(
                store.recorded_seqs,
                campaign_id=lease.campaign_id,
                shards=shards,
                first_seq=first,
                last_seq=last,
            )
            if database is self._databases.main:
                recorded |= query(main)
            else:
                recorded |= self._availability.query(database, query) or set()
        return recorded
