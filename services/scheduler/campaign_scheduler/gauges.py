"""Gauges of a scheduler, which are read from its components on scrape."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from campaign_common.runtime.outage_log import OutageLog
from campaign_scheduler.held_leases import HeldLeases
from campaign_scheduler.jobs.collect_gauges import GaugeCollector


class SchedulerGauges(Collector):
    """The gauges of one scheduler.

    `tasks`: names of the jobs, and of the fan-out loop, as in `outages`.
    """

    def __init__(
        self,
        outages: OutageLog,
        tasks: Sequence[str],
        leases: HeldLeases,
        collector: GaugeCollector,
    ) -> None:
        self._outages = outages
        self._task_names = tasks
        self._leases = leases
        self._collector = collector

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield self._tasks()
        yield GaugeMetricFamily(
            "campaign_leases_held",
            "Campaigns leased now",
            value=len(self._leases.current()),
        )
        yield GaugeMetricFamily(
            "campaign_longest_stall_seconds",
            "Longest time without a publication or outcome, of the running campaigns leased here",
            value=self._collector.longest_stall,
        )
        yield from self._totals()

    def _tasks(self) -> Metric:
        successes = GaugeMetricFamily(
            "campaign_task_last_success_timestamp_seconds",
            "Last success of a task of this scheduler, in seconds since 1970; 0: none yet",
            labels=["task"],
        )
        for task in self._task_names:
            successes.add_metric([task], self._outages.succeeded_at.get(task, 0.0))
        return successes

    def _totals(self) -> Iterator[Metric]:
        totals = self._collector.totals
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
