"""Prometheus collector for the sender. Parts keep plain counters; they are read on scrape."""

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from campaign_common.domain.message import FINAL
from campaign_providers.contract import SendStatus
from campaign_sender.consuming.consumer_lag import ConsumerLag
from campaign_sender.consuming.dead_letters import DeadLetterPublisher
from campaign_sender.delivery.circuit_breaker import BreakerState
from campaign_sender.delivery.dispatcher import Dispatcher
from campaign_sender.ownership.shard_groups import ShardGroups
from campaign_sender.ownership.shard_ownership import ShardOwnership
from campaign_sender.recording.recorder_metrics import RecorderCounts


class MetricSources(NamedTuple):
    """Parts of a sender that keep counters."""

    groups: ShardGroups
    dispatcher: Dispatcher
    ownership: ShardOwnership
    dead_letters: DeadLetterPublisher
    lag: ConsumerLag


class SenderMetrics(Collector):
    """Collector of one sender process.

    Series whose labels are known at the start begin with 0, so that the first event is seen as an
    increase.
    """

    def __init__(self, sources: MetricSources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        counts = RecorderCounts.together(
            group.recorder.metrics for group in self._sources.groups.all
        )
        yield from self._messages(counts)
        yield from self._recording(counts)
        yield self._servers()
        yield from self._providers()
        yield from self._shards()

    def _messages(self, counts: RecorderCounts) -> Iterator[Metric]:
        sources = self._sources
        recorded = CounterMetricFamily(
            "campaign_messages_recorded",
            "Final outcomes recorded by this sender",
            labels=["provider", "outcome"],
        )
        counted = counts.outcomes
        providers = {*sources.dispatcher.routes, *(provider for provider, _ in counted)}
        for provider in sorted(providers):
            for status in sorted(FINAL):
                recorded.add_metric([provider, status.word], counted.get((provider, status), 0))
        yield recorded
        yield GaugeMetricFamily(
            "campaign_messages_in_flight",
            "Messages claimed and not recorded yet",
            value=sum(len(owned.claimed) for owned in sources.groups.shards()),
        )
        yield CounterMetricFamily(
            "campaign_dead_letters",
            "Unreadable records, published to the dead letter topic",
            value=sources.dead_letters.published,
        )

    def _recording(self, counts: RecorderCounts) -> Iterator[Metric]:
        batches = HistogramMetricFamily(
            "campaign_ledger_transaction_messages", "Results recorded by one transaction"
        )
        counts.batches.tell(batches)
        yield batches
        seconds = HistogramMetricFamily(
            "campaign_ledger_transaction_duration_seconds",
            "Duration of one recording transaction, from BEGIN to the response to COMMIT",
        )
        counts.seconds.tell(seconds)
        yield seconds

    def _servers(self) -> Metric:
        reachable = GaugeMetricFamily(
            "campaign_database_server_up",
            "1 while the last response of the server to this sender is at most 3 seconds old",
            labels=["server"],
        )
        main, *others = self._sources.groups.all
        # Other servers are read together with the main one: without it their state is unknown.
        for group in (main, *others) if main.guard.reachable else (main,):
            reachable.add_metric([group.server.own.name], int(group.guard.reachable))
        return reachable

    def _providers(self) -> Iterator[Metric]:
        results = CounterMetricFamily(
            "campaign_send_results",
            "Dispatched messages by send status",
            labels=["provider", "status"],
        )
        seconds = HistogramMetricFamily(
            "campaign_provider_request_duration_seconds",
            "From request to response, of sends that got a response",
            labels=["provider"],
        )
        state = GaugeMetricFamily(
            "campaign_circuit_breaker_state",
            "1 for the state of the provider's circuit breaker in this sender",
            labels=["provider", "state"],
        )
        for name, route in self._sources.dispatcher.routes.items():
            counted = dict(route.status_counts)
            for status in SendStatus:
                results.add_metric([name, status.value], counted.get(status, 0))
            route.provider.durations.tell(seconds, [name])
            present = route.breaker.state
            for each in BreakerState:
                state.add_metric([name, each.value], int(each is present))
        yield results
        yield seconds
        yield state

    def _shards(self) -> Iterator[Metric]:
        ownership = self._sources.ownership
        yield GaugeMetricFamily(
            "campaign_shards_owned",
            "Shards owned now",
            value=len(self._sources.groups.shards()),
        )
        yield CounterMetricFamily(
            "campaign_shards_taken_over", "Shards taken over", value=ownership.taken_over
        )
        yield CounterMetricFamily(
            "campaign_shards_fenced",
            "Shards that another sender took over while this one owned them",
            value=ownership.fenced,
        )
        yield CounterMetricFamily(
            "campaign_partitions_lost",
            "Partitions that the consumer group revoked without notice",
            value=ownership.partitions_lost,
        )
        yield CounterMetricFamily(
            "campaign_commits_lost",
            "Partitions whose offset in MySQL was below the one committed to Kafka",
            value=ownership.commits_lost,
        )
        claims = CounterMetricFamily(
            "campaign_claims_lost",
            "Unrecorded messages of lost senders, by the decision of the next owner",
            labels=["settled"],
        )
        for settled, messages in ownership.claims_lost.items():
            claims.add_metric([settled], messages)
        yield claims
        lag = GaugeMetricFamily(
            "campaign_partition_lag",
            "Records of owned partitions that are not recorded in MySQL yet",
            labels=["partition"],
        )
        for partition, records in sorted(self._sources.lag.by_partition().items()):
            lag.add_metric([str(partition)], records)
        yield lag
