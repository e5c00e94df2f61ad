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
from campaign_sender.consuming.consumer_lag import ConsumerLag
from campaign_sender.consuming.dead_letters import DeadLetterPublisher
from campaign_sender.delivery.circuit_breaker import BreakerState
from campaign_sender.delivery.dispatcher import Dispatcher
from campaign_sender.ownership.shard_groups import ShardGroups
from campaign_sender.ownership.shard_ownership import ShardOwnership
from campaign_sender.providers.contract import SendStatus
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
            "Final outcomes of messages that this sender has recorded",
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
            "Records that nobody could read, put into the dead letters",
            value=sources.dead_letters.published,
        )

    def _recording(self, counts: RecorderCounts) -> Iterator[Metric]:
        batches = HistogramMetricFamily(
            "campaign_record_batch_messages", "Results recorded by one transaction"
        )
        counts.batches.tell(batches)
        yield batches
        seconds = HistogramMetricFamily(
            "campaign_record_seconds", "Duration of one transaction, its commit included"
        )
        counts.seconds.tell(seconds)
        yield seconds

    def _servers(self) -> Metric:
        reachable = GaugeMetricFamily(
            "campaign_database_server_in_sight",
            "1 while this sender has an answer of the server that is younger than 3 seconds",
            labels=["server"],
        )
        main, *others = self._sources.groups.all
        # Other servers are read together with the main one: without it their state is unknown.
        for group in (main, *others) if main.guard.reachable else (main,):
            reachable.add_metric([group.server.own.name], int(group.guard.reachable))
        return reachable

    def _providers(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "campaign_provider_answers",
            "What became of messages that were handed over to be sent",
            labels=["provider", "answer"],
        )
        seconds = HistogramMetricFamily(
            "campaign_provider_call_seconds",
            "From the request to the provider's answer",
            labels=["provider"],
        )
        state = GaugeMetricFamily(
            "campaign_breaker_state",
            "1 for the state that the provider's circuit breaker is in, as seen by this sender",
            labels=["provider", "state"],
        )
        for name, route in self._sources.dispatcher.routes.items():
            counted = dict(route.status_counts)
            for status in SendStatus:
                answers.add_metric([name, status.value], counted.get(status, 0))
            route.provider.durations.tell(seconds, [name])
            present = route.breaker.state
            for each in BreakerState:
                state.add_metric([name, each.value], int(each is present))
        yield answers
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
            "Shards that another sender took while this one worked for them",
            value=ownership.fenced,
        )
        yield CounterMetricFamily(
            "campaign_partitions_lost",
            "Partitions that the group took away without asking",
            value=ownership.partitions_lost,
        )
        yield CounterMetricFamily(
            "campaign_commits_lost",
            "Partitions found recorded less far in MySQL than Kafka has been told",
            value=ownership.commits_lost,
        )
        claims = CounterMetricFamily(
            "campaign_claims_lost",
            "Messages that lost senders had claimed and not recorded, by how they were settled",
            labels=["settled"],
        )
        for settled, messages in ownership.claims_lost.items():
            claims.add_metric([settled], messages)
        yield claims
        lag = GaugeMetricFamily(
            "campaign_partition_lag",
            "Records beyond what is recorded, of the partitions owned here",
            labels=["partition"],
        )
        for partition, records in sorted(self._sources.lag.by_partition().items()):
            lag.add_metric([str(partition)], records)
        yield lag
