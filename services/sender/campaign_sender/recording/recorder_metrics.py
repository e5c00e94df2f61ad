"""Counts of the recorder's transactions. For metrics."""

from collections import Counter
from collections.abc import Iterable

from campaign_common.domain.message import FINAL, Status
from campaign_common.metrics.distribution import MESSAGES, SECONDS, BatchHistogram
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import RecorderBatch
from campaign_sender.recording.transaction import WriteResult


class RecorderCounts:
    """Recorded outcomes, batch sizes and durations, of one recorder or of several together."""

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, Status]] = Counter()
        """Final outcomes recorded, by provider."""
        self.batches = BatchHistogram(MESSAGES)
        self.seconds = BatchHistogram(SECONDS)

    @classmethod
    def together(cls, several: Iterable["RecorderCounts"]) -> "RecorderCounts":
        """Return the sum of several recorders' counts."""
        total = cls()
        for each in several:
            total.outcomes.update(dict(each.outcomes))
            total.batches.include(each.batches)
            total.seconds.include(each.seconds)
        return total


class RecorderMetrics(RecorderCounts):
    """Counter of committed transactions; its cost does not depend on their size."""

    def __init__(self, guard: SendGuard) -> None:
        super().__init__()
        self._guard = guard

    def committed(self, batch: RecorderBatch, written: WriteResult) -> None:
        """Count a committed transaction."""
        self.batches.add([len(batch.results)])
        # Taken from the changes of the counters; only those of WAITING may be negative.
        for (campaign_id, _, status), n in written.changes.items():
            if status in FINAL:
                version = self._guard.version_of(campaign_id)
                self.outcomes[version.provider if version else "unknown", status] += n
