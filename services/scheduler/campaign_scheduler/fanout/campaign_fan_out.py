"""Where fan-out stands with one campaign, between two checkpoints in MySQL."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from campaign_common.store.fanout import Checkpoint
from campaign_common.store.leases import Lease
from campaign_common.template import Template
from campaign_common.tracing import Span
from campaign_scheduler.fanout.partition_backlog import Backlog
from campaign_scheduler.fanout.publish_window import Window
from campaign_scheduler.publishing.publisher import Publication


@dataclass
class Chunk:
    """Consecutive recipients that are published and not counted yet."""

    checkpoint: Checkpoint
    map_version: int
    publication: Publication
    published_at: float
    span: Span | None = None

    def ended(self, failure: str | None = None) -> None:
        """Tell the chunk's span, where there is one, that it is counted, or why it is not."""
        if self.span is not None:
            counted = self.checkpoint
            self.span.end(
                {
                    "campaign.id": counted.campaign_id,
                    "campaign.recipients": counted.recipients,
                    "campaign.previous_seq": counted.previous_seq,
                    "campaign.last_seq": counted.last_seq,
                },
                failure=failure,
            )


@dataclass
class Progress:
    """A campaign under a lease: what is counted, what is published, and its window."""

    lease: Lease
    template: Template
    window: Window
    backlog: Backlog
    counted_seq: int
    counted: int
    read_seq: int
    read: int
    recorded: int = 0
    claimed: int = 0
    sampled_at: float = 0.0
    refused: set[int] = field(default_factory=set)
    in_flight: deque[Chunk] = field(default_factory=deque)

    @classmethod
    def under(cls, lease: Lease, window: Window, backlog: Backlog) -> "Progress":
        """Begin where the lease found the campaign."""
        return cls(
            lease=lease,
            template=Template.compile(lease.template),
            window=window,
            backlog=backlog,
            counted_seq=lease.fanned_seq,
            counted=lease.fanned_count,
            read_seq=lease.fanned_seq,
            read=lease.fanned_count,
        )

    @property
    def is_read(self) -> bool:
        """Tell whether the whole list has been read."""
        return self.read_seq >= self.lease.last_seq

    @property
    def is_counted(self) -> bool:
        """Tell whether the whole list has been published and counted."""
        return self.counted_seq >= self.lease.last_seq

    @property
    def waiting(self) -> int:
        """How many messages are published and at no provider yet, of those that anybody fetches.

        Of what was published before this process had the lease nothing is known but its outcomes:
        a window more may be published then, once.
        """
        return self.backlog.outstanding - self.backlog.standing - self.claimed

    def sample(self, now: float, recorded: Mapping[int, int], claimed: int) -> None:
        """Learn how many outcomes each shard has by `now`, and how many messages are claimed.

        What was recorded between the two reads counts in neither, which errs by a batch.
        """
        self.sampled_at = now
        self.recorded = sum(recorded.values())
        self.claimed = claimed
        self.backlog.sample(now, recorded)
        self.window.sample(now, self.recorded, self.waiting)

    def checkpoint_after(self, last_seq: int, recipients: int) -> Checkpoint:
        """Return what counts the recipients from here to `last_seq` once they are delivered."""
        lease = self.lease
        return Checkpoint(
            lease.campaign_id, lease.epoch, lease.lease_epoch, self.read_seq, last_seq, recipients
        )

    def delivered(self) -> list[Chunk]:
        """List the oldest chunks of which every record is delivered."""
        done = []
        for chunk in self.in_flight:
            if not chunk.publication.is_delivered:
                break
            done.append(chunk)
        return done

    def failure(self) -> Publication | None:
        """Return the oldest chunk's publication where it was reported as not delivered."""
        first = self.in_flight[0].publication if self.in_flight else None
        return first if first and first.is_settled and first.error is not None else None

    def published(self, chunk: Chunk) -> None:
        """Note that a chunk is on its way to Kafka."""
        self.in_flight.append(chunk)
        self.read_seq = chunk.checkpoint.last_seq
        self.read += chunk.checkpoint.recipients

    def counted_first(self) -> None:
        """Note that the oldest chunk on its way is counted in MySQL."""
        chunk = self.in_flight.popleft()
        chunk.ended()
        checkpoint = chunk.checkpoint
        self.counted_seq = checkpoint.last_seq
        self.counted += checkpoint.recipients

    def rewind(self, why: str) -> None:
        """Forget what is published and not counted: it is read and published again."""
        for chunk in self.in_flight:
            chunk.ended(failure=why)
        self.in_flight.clear()
        self.backlog.forget()
        self.read_seq = self.counted_seq
        self.read = self.counted
