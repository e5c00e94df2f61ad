"""State of one campaign's fan-out between its checkpoints in MySQL."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from opentelemetry.trace import Span

from campaign_common.domain.content.campaign_content import CompiledContent
from campaign_common.store.campaigns.fanout import Checkpoint, ShardOutcomes
from campaign_common.store.campaigns.leases import Lease
from campaign_common.tracing.spans import end_span
from campaign_scheduler.fanout.partition_backlog import PartitionBacklog
from campaign_scheduler.fanout.publish_window import PublishWindow
from campaign_scheduler.publishing.publisher import Publication


@dataclass
class PublishedChunk:
    """Consecutive recipients whose records are published and not committed yet."""

    checkpoint: Checkpoint
    map_version: int
    publication: Publication
    published_at: float
    span: Span | None = None

    def end_span(self, failure: str | None = None) -> None:
        """End the chunk's span, if it has one; `failure` is the reason for a failed chunk."""
        if self.span is not None:
            checkpoint = self.checkpoint
            end_span(
                self.span,
                {
                    "campaign.id": checkpoint.campaign_id,
                    "campaign.recipients": checkpoint.recipients,
                    "campaign.previous_seq": checkpoint.previous_seq,
                    "campaign.last_seq": checkpoint.last_seq,
                },
                failure=failure,
            )


@dataclass
class CampaignFanOut:
    """One campaign under a lease: what is published, what is committed, and its window."""

    lease: Lease
    content: CompiledContent
    window: PublishWindow
    backlog: PartitionBacklog
    committed_seq: int
    committed: int
    """Number of recipients that the checkpoint covers."""
    read_seq: int
    max_rate: Decimal | None = None
    """Its own rate as last read."""
    claimed: int = 0
    sampled_at: float = 0.0
    refused: set[int] = field(default_factory=set)
    """Sequence numbers whose records the broker refused for their size."""
    in_flight: deque[PublishedChunk] = field(default_factory=deque)

    @classmethod
    def from_lease(
        cls, lease: Lease, window: PublishWindow, backlog: PartitionBacklog
    ) -> "CampaignFanOut":
        """Begin at the checkpoint that was read with the lease."""
        return cls(
            lease=lease,
            content=CompiledContent(lease.campaign_content.content),
            window=window,
            backlog=backlog,
            committed_seq=lease.published_seq,
            committed=lease.published_count,
            read_seq=lease.published_seq,
            max_rate=lease.max_rate,
        )

    @property
    def is_read(self) -> bool:
        """Return whether the whole recipient list has been read."""
        return self.read_seq >= self.lease.last_seq

    @property
    def queued(self) -> int:
        """Number of messages that are published and not claimed yet, without stalled partitions.

        Messages published under an earlier lease are not counted, so after a takeover up to one
        extra window may be published.
        """
        return self.backlog.outstanding - self.backlog.stalled - self.claimed

    def sample(self, now: float, outcomes: Mapping[int, ShardOutcomes], claimed: int) -> None:
        """Update window and backlog.

        The two counts are read one after the other. Messages recorded in between are missing in
        both, an error of one batch at most.

        Args:
            now: monotonic seconds.
            outcomes: number of outcomes by shard.
            claimed: number of messages that senders have claimed.
        """
        self.sampled_at = now
        self.claimed = claimed
        self.backlog.sample(now, {shard: each.recorded for shard, each in outcomes.items()})
        self.window.sample(now, sum(each.final for each in outcomes.values()), self.queued)

    def checkpoint_after(self, last_seq: int, recipients: int) -> Checkpoint:
        """Return the checkpoint of a chunk that follows what is read and ends with `last_seq`."""
        lease = self.lease
        return Checkpoint(
            lease.campaign_id, lease.epoch, lease.lease_epoch, self.read_seq, last_seq, recipients
        )

    def delivered(self) -> list[PublishedChunk]:
        """Return the oldest chunks, as far as all their records are delivered."""
        done = []
        for chunk in self.in_flight:
            if not chunk.publication.is_delivered:
                break
            done.append(chunk)
        return done

    def failure(self) -> Publication | None:
        """Return the publication of the oldest chunk if it failed."""
        first = self.in_flight[0].publication if self.in_flight else None
        return first if first and first.is_settled and first.error is not None else None

    def add_published(self, chunk: PublishedChunk) -> None:
        """Add a chunk whose records are being published."""
        self.in_flight.append(chunk)
        self.read_seq = chunk.checkpoint.last_seq

    def commit_oldest(self) -> None:
        """Move past the oldest chunk, whose checkpoint is committed."""
        chunk = self.in_flight.popleft()
        chunk.end_span()
        self.committed_seq = chunk.checkpoint.last_seq
        self.committed += chunk.checkpoint.recipients

    def rewind(self, reason: str) -> None:
        """Go back to the checkpoint: the chunks in flight are read and published again."""
        for chunk in self.in_flight:
            chunk.end_span(failure=reason)
        self.in_flight.clear()
        self.backlog.reset()
        self.read_seq = self.committed_seq
