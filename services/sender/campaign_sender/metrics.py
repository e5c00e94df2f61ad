"""Counters of a sender, incremented where the work is done: once per batch or event.

Gauges are not among them: `telemetry.gauges` reads them on scrape. Neither are the durations of
sends: a provider counts these in batches, since each message has one (docs/decisions/0015).
"""

from prometheus_client import Counter, Histogram

from campaign_common.domain.message import FINAL
from campaign_common.metrics.distribution import MESSAGES, SECONDS
from campaign_common.metrics.process import registry_in_memory

COUNTERS = registry_in_memory()
"""All metrics of this module; a process has them once."""

MESSAGES_RECORDED = Counter(
    "campaign_messages_recorded",
    "Final outcomes recorded by this sender",
    ["provider", "outcome"],
    registry=COUNTERS,
)
TRANSACTION_MESSAGES = Histogram(
    "campaign_ledger_transaction_messages",
    "Results recorded by one transaction",
    buckets=MESSAGES,
    registry=COUNTERS,
)
TRANSACTION_SECONDS = Histogram(
    "campaign_ledger_transaction_duration_seconds",
    "Duration of one recording transaction, from BEGIN to the response to COMMIT",
    buckets=SECONDS,
    registry=COUNTERS,
)
SEND_RESULTS = Counter(
    "campaign_send_results",
    "Dispatched messages by send status",
    ["provider", "status"],
    registry=COUNTERS,
)
DEAD_LETTERS = Counter(
    "campaign_dead_letters",
    "Unreadable records, published to the dead letter topic",
    registry=COUNTERS,
)
SHARDS_TAKEN_OVER = Counter("campaign_shards_taken_over", "Shards taken over", registry=COUNTERS)
SHARDS_FENCED = Counter(
    "campaign_shards_fenced",
    "Shards that another sender took over while this one owned them",
    registry=COUNTERS,
)
POSSIBLE_DUPLICATES = Counter(
    "campaign_possible_duplicates",
    "Sends repeated after a doubt, at a provider that is not idempotent",
    ["provider"],
    registry=COUNTERS,
)
PROVIDER_CHECKS = Counter(
    "campaign_provider_checks",
    "Checks of a provider that this sender made, by what became of them",
    ["provider", "outcome"],
    registry=COUNTERS,
)
PARTITIONS_LOST = Counter(
    "campaign_partitions_lost",
    "Partitions that the consumer group revoked without notice",
    registry=COUNTERS,
)
LOST_COMMITS = Counter(
    "campaign_commits_lost",
    "Partitions whose offset in MySQL was below the one committed to Kafka",
    registry=COUNTERS,
)
_CLAIMS_LOST = Counter(
    "campaign_claims_lost",
    "Unrecorded messages of lost senders, by the decision of the next owner",
    ["settled"],
    registry=COUNTERS,
)
POSSIBLY_SENT_CLAIMS_LOST = _CLAIMS_LOST.labels("possibly_sent")
UNKNOWN_CLAIMS_LOST = _CLAIMS_LOST.labels("unknown")


def begin_outcomes_at_zero(provider: str) -> None:
    """Begin the outcomes of a provider with 0, so that an increase of each is seen."""
    for status in FINAL:
        MESSAGES_RECORDED.labels(provider, status.word)
