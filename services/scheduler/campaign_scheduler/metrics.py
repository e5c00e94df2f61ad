"""What a scheduler tells Prometheus: its parts count, and this reads them when somebody asks."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from campaign_common.outages import Outages
from campaign_scheduler.fanout.checkpoint_writer import CheckpointWriter
from campaign_scheduler.held_leases import Leases
from campaign_scheduler.jobs.collect_gauges import Observer
from campaign_scheduler.jobs.publish_retries import Retrier
from campaign_scheduler.jobs.watchdog import Watchdog


class Parts(NamedTuple):
    """The parts of a scheduler that count."""

    outages: Outages
    tasks: Sequence[str]
    """What it does again and again, by the names that `outages` has for them."""
    leases: Leases
    checkpoints: CheckpointWriter
    retrier: Retrier
    overtaken: Retrier
    watchdog: Watchdog
    observer: Observer


class SchedulerMetrics(Collector):
    """Makes the metrics of one scheduler."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Make all metrics."""
        yield self._tasks()
        yield from self._publishing()
        yield from self._leases()
        yield from self._watching()
        yield from self._totals()

    def _tasks(self) -> Metric:
        ticks = GaugeMetricFamily(
            "campaign_task_last_success_timestamp_seconds",
            "When this scheduler last did a task without trouble; 0: not yet",
            labels=["task"],
        )
        for task in self._parts.tasks:
            ticks.add_metric([task], self._parts.outages.succeeded_at.get(task, 0.0))
        return ticks

    def _publishing(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "campaign_recipients_published",
            "Recipients whose record is in Kafka, and counted as such",
            value=self._parts.checkpoints.recipients,
        )
        retries = CounterMetricFamily(
            "campaign_retries_published",
            "Records published for another try: due, or again because nobody will meet them",
            labels=["reason"],
        )
        retries.add_metric(["due"], self._parts.retrier.published)
        retries.add_metric(["overtaken"], self._parts.overtaken.published)
        yield retries

    def _leases(self) -> Iterator[Metric]:
        leases = self._parts.leases
        yield GaugeMetricFamily(
            "campaign_leases_held", "Campaigns leased now", value=len(leases.held())
        )
        changes = CounterMetricFamily(
            "campaign_lease_changes",
            "Leases taken, and leases ended: with their campaign, or lost",
            labels=["change"],
        )
        changes.add_metric(["taken"], leases.taken)
        changes.add_metric(["ended"], leases.ended)
        yield changes

    def _watching(self) -> Iterator[Metric]:
        watchdog = self._parts.watchdog
        yield CounterMetricFamily(
            "campaign_watchdog_looks", "Looks for lost records", value=watchdog.looks
        )
        yield CounterMetricFamily(
            "campaign_watchdog_rounds",
            "Campaigns published again because records were lost",
            value=watchdog.rounds,
        )
        yield CounterMetricFamily(
            "campaign_records_lost",
            "Published records found lost by the watchdog",
            value=watchdog.lost,
        )
        yield GaugeMetricFamily(
            "campaign_longest_standstill_seconds",
            "For how long the campaign leased here that moved longest ago has not moved",
            value=self._parts.observer.longest_standstill,
        )

    def _totals(self) -> Iterator[Metric]:
        totals = self._parts.observer.totals
        campaigns = GaugeMetricFamily(
            "campaign_campaigns", "Campaigns in the database", labels=["state"]
        )
        waiting = GaugeMetricFamily(
            "campaign_retries_waiting",
            "Messages of running and paused campaigns that wait for another try",
        )
        suspects = GaugeMetricFamily(
            "campaign_suspects", "Calls in doubt, of running and paused campaigns"
        )
        if totals is not None:
            for state, n in totals.campaigns.items():
                campaigns.add_metric([state.value], n)
            waiting.add_metric([], totals.waiting)
            suspects.add_metric([], totals.suspects)
        yield from (campaigns, waiting, suspects)
