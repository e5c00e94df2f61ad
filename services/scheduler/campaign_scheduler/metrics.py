"""Prometheus collector of the scheduler. Components keep plain counters, read on scrape."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from campaign_common.runtime.outage_log import OutageLog
from campaign_scheduler.fanout.checkpoint_writer import CheckpointWriter
from campaign_scheduler.held_leases import HeldLeases
from campaign_scheduler.jobs.collect_gauges import GaugeCollector
from campaign_scheduler.jobs.publish_retries import RetryPublisher
from campaign_scheduler.jobs.watchdog import Watchdog


class SchedulerSources(NamedTuple):
    """The components that keep counters."""

    outages: OutageLog
    tasks: Sequence[str]
    """Names of the jobs, and of the fan-out loop, as in `outages`."""
    leases: HeldLeases
    checkpoints: CheckpointWriter
    retries: RetryPublisher
    stranded_retries: RetryPublisher
    watchdog: Watchdog
    gauges: GaugeCollector


class SchedulerMetrics(Collector):
    """The metrics of one scheduler."""

    def __init__(self, sources: SchedulerSources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield self._tasks()
        yield from self._publishing()
        yield from self._leases()
        yield from self._watching()
        yield from self._totals()

    def _tasks(self) -> Metric:
        successes = GaugeMetricFamily(
            "campaign_task_last_success_timestamp_seconds",
            "Last success of a task of this scheduler, in seconds since 1970; 0: none yet",
            labels=["task"],
        )
        for task in self._sources.tasks:
            successes.add_metric([task], self._sources.outages.succeeded_at.get(task, 0.0))
        return successes

    def _publishing(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "campaign_recipients_published",
            "Recipients published and counted",
            value=self._sources.checkpoints.recipients,
        )
        retries = CounterMetricFamily(
            "campaign_retries_published",
            "Records published for another try: due, or stranded",
            labels=["reason"],
        )
        retries.add_metric(["due"], self._sources.retries.published)
        retries.add_metric(["stranded"], self._sources.stranded_retries.published)
        yield retries

    def _leases(self) -> Iterator[Metric]:
        leases = self._sources.leases
        yield GaugeMetricFamily(
            "campaign_leases_held", "Campaigns leased now", value=len(leases.current())
        )
        changes = CounterMetricFamily(
            "campaign_lease_changes",
            "Leases acquired, and leases ended: with their campaign, or lost",
            labels=["change"],
        )
        changes.add_metric(["acquired"], leases.taken)
        changes.add_metric(["ended"], leases.ended)
        yield changes

    def _watching(self) -> Iterator[Metric]:
        watchdog = self._sources.watchdog
        yield CounterMetricFamily(
            "campaign_watchdog_checks", "Checks for lost records", value=watchdog.checks
        )
        yield CounterMetricFamily(
            "campaign_watchdog_republications",
            "Campaigns republished because records were lost",
            value=watchdog.republications,
        )
        yield CounterMetricFamily(
            "campaign_records_lost",
            "Published records found lost by the watchdog",
            value=watchdog.lost,
        )
        yield GaugeMetricFamily(
            "campaign_longest_stall_seconds",
            "Longest time without a publication or outcome, of the running campaigns leased here",
            value=self._sources.gauges.longest_stall,
        )

    def _totals(self) -> Iterator[Metric]:
        totals = self._sources.gauges.totals
        campaigns = GaugeMetricFamily(
            "campaign_campaigns", "Campaigns in the database", labels=["state"]
        )
        waiting = GaugeMetricFamily(
            "campaign_retries_waiting",
            "Messages of running and paused campaigns that wait for another try",
        )
        possibly_sent = GaugeMetricFamily(
            "campaign_messages_possibly_sent",
            "Messages that may have been sent, of running and paused campaigns",
        )
        if totals is not None:
            for state, n in totals.campaigns.items():
                campaigns.add_metric([state.value], n)
            waiting.add_metric([], totals.waiting)
            possibly_sent.add_metric([], totals.possibly_sent)
        yield from (campaigns, waiting, possibly_sent)
