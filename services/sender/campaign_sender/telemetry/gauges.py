"""Metrics of a sender that are read on scrape: the state of its parts, and durations of sends."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from campaign_sender.consuming.consumer_lag import ConsumerLag
from campaign_sender.delivery.circuit_breaker import BreakerState
from campaign_sender.delivery.dispatcher import Dispatcher
from campaign_sender.ownership.shard_groups import ShardGroups


class SenderGauges(Collector):
    """Collector of one sender process."""

    def __init__(self, groups: ShardGroups, dispatcher: Dispatcher, lag: ConsumerLag) -> None:
        self._groups = groups
        self._dispatcher = dispatcher
        self._lag = lag

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield self._servers()
        yield from self._providers()
        yield from self._shards()

    def _servers(self) -> Metric:
        reachable = GaugeMetricFamily(
            "campaign_database_server_up",
            "1 while the last response of the server to this sender is at most 3 seconds old",
            labels=["server"],
        )
        main, *others = self._groups.all
        # Other servers are read together with the main one: without it their state is unknown.
        for group in (main, *others) if main.guard.reachable else (main,):
            reachable.add_metric([group.server.own.name], int(group.guard.reachable))
        return reachable

    def _providers(self) -> Iterator[Metric]:
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
        for name, guarded in self._dispatcher.providers.items():
            guarded.provider.durations.tell(seconds, [name])
            present = guarded.breaker.state
            for each in BreakerState:
                state.add_metric([name, each.value], int(each is present))
        yield seconds
        yield state

    def _shards(self) -> Iterator[Metric]:
        shards = self._groups.shards()
        yield GaugeMetricFamily("campaign_shards_owned", "Shards owned now", value=len(shards))
        yield GaugeMetricFamily(
            "campaign_messages_in_flight",
            "Messages claimed and not recorded yet",
            value=sum(len(owned.claimed) for owned in shards),
        )
        lag = GaugeMetricFamily(
            "campaign_partition_lag",
            "Records of owned partitions that are not recorded in MySQL yet",
            labels=["partition"],
        )
        for partition, records in sorted(self._lag.by_partition().items()):
            lag.add_metric([str(partition)], records)
        yield lag
