"""Composition of one scheduler process: its components, and the order of start and stop."""

import threading
from functools import partial
from time import monotonic

import structlog
from opentelemetry.trace import Tracer

from campaign_common.database import Database, Databases
from campaign_common.domain.suppressions.change_log_position import longest_transaction
from campaign_common.errors import RetryLater
from campaign_common.health.checks import HealthMonitor
from campaign_common.kafka import clients
from campaign_common.kafka.dead_letters import opened_box
from campaign_common.kafka.partition_migration import PartitionMigration
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_common.settings import Settings
from campaign_common.store.campaigns.leases import Holder
from campaign_common.store.limits.slot_leases import sweep_some
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from campaign_providers.unsubscribe.current_links import links_of
from campaign_scheduler.availability import PROBE_INTERVAL, ServerAvailability
from campaign_scheduler.fanout.checkpoint_writer import CheckpointWriter
from campaign_scheduler.fanout.chunk_reader import ChunkReader
from campaign_scheduler.fanout.flow_control import FlowControl
from campaign_scheduler.fanout.loop import FAN_OUT, FanOutDependencies, FanOutLoop
from campaign_scheduler.fanout.outcome_counts import OutcomeCounts
from campaign_scheduler.gauges import SchedulerGauges
from campaign_scheduler.held_leases import HeldLeases, new_owner
from campaign_scheduler.job_scheduler import Job, JobScheduler
from campaign_scheduler.jobs.close_receipts import CLOSE_INTERVAL, ReceiptCloser
from campaign_scheduler.jobs.collect_gauges import COLLECT_INTERVAL, GaugeCollector
from campaign_scheduler.jobs.deliver_webhooks import (
    DELETE_INTERVAL,
    DELIVERY_INTERVAL,
    WebhookDeliverer,
)
from campaign_scheduler.jobs.find_late_receipts import ENROLL_INTERVAL, LateReceiptFinder
from campaign_scheduler.jobs.finish_campaigns import CampaignFinisher
from campaign_scheduler.jobs.match_receipts import (
    MATCH_INTERVAL,
    RECEIPT_SWEEP_INTERVAL,
    ReceiptMatcher,
)
from campaign_scheduler.jobs.publish_retries import STRANDED_INTERVAL, RetryPublisher
from campaign_scheduler.jobs.purge_dead_letters import PURGE_INTERVAL, DeadLetterPurger
from campaign_scheduler.jobs.sample_rates import SAMPLE_INTERVAL, RateSampler
from campaign_scheduler.jobs.start_campaigns import CampaignStarter
from campaign_scheduler.jobs.suppress_bounces import BOUNCE_INTERVAL, BounceSuppressor
from campaign_scheduler.jobs.watchdog import CHECK_INTERVAL, KnownProviders, Watchdog
from campaign_scheduler.publishing.publisher import Publisher

REMAP_INTERVAL = 2.0
"""Seconds between two comparisons of the partition map with Kafka."""

SLOT_SWEEP_INTERVAL = 60.0
"""Seconds between two deletions of slots that are over, of campaigns that have ended too."""

BEAT_INTERVAL = 1.0
"""Seconds between two signs of life of the job scheduler."""

RENEWALS = 4
"""Renewals within the time of one lease, so that one missed renewal does not lose it."""

_log = structlog.get_logger()


class SchedulerService:
    """A scheduler: the jobs that run at intervals, and the thread that fans out."""

    def __init__(
        self,
        settings: Settings,
        databases: Databases,
        outages: OutageLog,
        health: HealthMonitor,
        stopping: threading.Event,
        tracer: Tracer | None,
    ) -> None:
        self.owner = new_owner()
        self._tracer = tracer
        self._stopping = stopping
        self._settings = settings
        self._health = health
        self._outages = outages
        self._databases = databases
        self._availability = ServerAvailability(databases)
        self._limits = {
            name: provider.limits.limits for name, provider in settings.configured_providers.items()
        }
        self._leases = HeldLeases(databases.main, Holder(self.owner, settings.scheduler.lease))
        self._checkpoints = CheckpointWriter(databases.main, self._leases, self._topic)
        self._links = links_of(settings)
        self._retries, self._stranded_retries = self._retry_publisher(), self._retry_publisher()
        self._watchdog = Watchdog(
            databases,
            clients.admin(settings),
            topic=self._topic,
            owner=self.owner,
            after=settings.scheduler.standstill,
            providers=KnownProviders(settings.routes, self._limits),
        )
        self._collector = GaugeCollector(databases, self.owner)
        fan_out = self._fan_out_loop(outages)
        self._fan_out_thread = IndispensableThread(
            "fan-out",
            lambda: fan_out.run(stopping, partial(health.beat, "fan-out")),
            self._fail,
        )
        self.failed = False
        """True after a thread failed that the process cannot run without."""
        jobs = self._jobs()
        self._job_scheduler = JobScheduler(jobs, outages)
        tasks = [FAN_OUT, *(job.name for job in jobs)]
        self.gauges = SchedulerGauges(outages, tasks, self._leases, self._collector)

    def start(self) -> None:
        """Start fan-out and the jobs."""
        self._fan_out_thread.start()
        self._job_scheduler.start()

    def stop(self, timeout: float) -> None:
        """Stop within `timeout` seconds, once `stopping` is set.

        The order matters: first no campaign is started and no record published any more, then
        the chunks in flight are committed, and only then are the leases released.
        """
        give_up_at = monotonic() + timeout
        self._job_scheduler.stop(timeout / 2)
        self._fan_out_thread.join(max(give_up_at - monotonic(), 0.0))
        if self._fan_out_thread.alive:
            _log.warning("published messages not checkpointed, will be republished")
        try:
            self._leases.release()
        except RetryLater as error:
            _log.warning("leases not released, will expire", error=str(error))
        self._databases.close()

    def _fail(self) -> None:
        self.failed = True
        self._stopping.set()

    def _fan_out_loop(self, outages: OutageLog) -> FanOutLoop:
        databases = self._databases
        dependencies = FanOutDependencies(
            databases=databases,
            leases=self._leases,
            publisher=self._publisher(),
            reader=ChunkReader(databases, self._availability, self._topic, self._links),
            checkpoints=self._checkpoints,
            outages=outages,
            outcomes=OutcomeCounts(databases, self._availability),
            tracer=self._tracer,
            routes=self._settings.routes,
            limits=self._limits,
        )
        pace = self._settings.scheduler
        return FanOutLoop(dependencies, FlowControl.for_window(pace.chunk_size, pace.window))

    def _jobs(self) -> list[Job]:
        settings, databases = self._settings, self._databases
        main, pace = databases.main, settings.scheduler
        late = self._late_receipt_finder()
        starter = CampaignStarter(
            main, self._leases, settings.msg_table_sharding_size, also=late.enroll
        )
        finisher = CampaignFinisher(databases, self.owner, also=late.enroll)
        sampler = RateSampler(databases, self.owner)
        partition_migration = PartitionMigration(
            databases, clients.admin(settings), self._topic, self.owner
        )
        check_interval = min(pace.standstill / 4, CHECK_INTERVAL)
        purger = DeadLetterPurger(
            main, partial(opened_box, settings), partial(clients.producer, settings)
        )
        stranded = self._stranded_retries
        closer = ReceiptCloser(databases, self._availability)
        webhooks = self._webhook_deliverer()
        writer = ReceiptWriter(databases, settings.hard_bounces)
        matcher = ReceiptMatcher(databases, writer, settings.receipts.keep_for)
        return [
            Job("start-campaigns", starter.start_due, pace.poll_interval),
            Job("renew-leases", self._leases.renew, pace.lease / RENEWALS),
            Job("sample-rates", sampler.sample, SAMPLE_INTERVAL),
            Job("finish-campaigns", finisher.finish_complete, pace.poll_interval),
            Job("publish-retries", self._retries.publish_due, pace.poll_interval),
            Job("publish-stranded-retries", stranded.publish_stranded, STRANDED_INTERVAL),
            Job("close-receipts", closer.look, CLOSE_INTERVAL),
            Job("match-receipts", matcher.match, MATCH_INTERVAL),
            Job("sweep-receipts", matcher.sweep, RECEIPT_SWEEP_INTERVAL),
            Job("find-late-receipts", late.look, ENROLL_INTERVAL),
            Job("suppress-bounces", self._bounce_suppressor().look, BOUNCE_INTERVAL),
            Job("watchdog", self._watchdog.check, check_interval),
            Job("deliver-webhooks", webhooks.look, DELIVERY_INTERVAL),
            Job("delete-old-deliveries", webhooks.delete_old, DELETE_INTERVAL),
            Job("purge-dead-letters", purger.purge, PURGE_INTERVAL),
            Job("sweep-slots", partial(_sweep_slots, main), SLOT_SWEEP_INTERVAL),
            Job("migrate-partitions", lambda: _step(partition_migration), REMAP_INTERVAL),
            Job("heartbeat", partial(self._health.beat, "job scheduler"), BEAT_INTERVAL),
            *self._availability_jobs(),
            *self._metrics_jobs(),
        ]

    def _availability_jobs(self) -> list[Job]:
        if len(self._databases.all) == 1:
            return []
        return [Job("probe-databases", self._availability.probe, PROBE_INTERVAL)]

    def _metrics_jobs(self) -> list[Job]:
        if not self._settings.metrics_port:
            return []
        return [Job("collect-gauges", self._collector.collect, COLLECT_INTERVAL)]

    def _retry_publisher(self) -> RetryPublisher:
        return RetryPublisher(
            self._databases,
            self._availability,
            self._publisher(),
            self._stopping,
            topic=self._topic,
            owner=self.owner,
            routes=self._settings.routes,
            tracer=self._tracer,
            links=self._links,
        )

    def _late_receipt_finder(self) -> LateReceiptFinder:
        return LateReceiptFinder(
            self._databases,
            self._availability,
            self._settings.receipt_timeouts,
            self._settings.routes,
            self._stopping,
        )

    def _bounce_suppressor(self) -> BounceSuppressor:
        settings = self._settings
        return BounceSuppressor(
            self._databases,
            self._availability,
            settings.hard_bounces,
            shards=settings.msg_table_sharding_size,
            longest=longest_transaction(settings.mysql.tran_timeout),
        )

    def _webhook_deliverer(self) -> WebhookDeliverer:
        settings = self._settings.webhooks
        main = self._databases.main
        return WebhookDeliverer(main, settings, self.owner, self._stopping, self._outages)

    def _publisher(self) -> Publisher:
        return Publisher(lambda: clients.producer(self._settings), self._topic)

    @property
    def _topic(self) -> str:
        return self._settings.sync_client.topic


def _sweep_slots(database: Database) -> None:
    while database.run(sweep_some):
        pass


def _step(partition_migration: PartitionMigration) -> None:
    partition_migration.step()
