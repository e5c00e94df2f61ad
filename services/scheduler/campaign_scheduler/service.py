"""The parts of one scheduler process, put together, started and stopped in order."""

import threading
from functools import partial
from time import monotonic

import structlog

from campaign_common import kafka
from campaign_common.database import Databases
from campaign_common.dead_letters import opened_box
from campaign_common.errors import RetryLater
from campaign_common.health import Health
from campaign_common.outages import Outages
from campaign_common.remap import Remapper
from campaign_common.repeating import IndispensableThread
from campaign_common.settings import Settings
from campaign_common.store.leases import Holder
from campaign_common.tracing import Tracing
from campaign_scheduler.availability import PROBE_INTERVAL, ServerAvailability
from campaign_scheduler.fanout.checkpoint_writer import CheckpointWriter
from campaign_scheduler.fanout.chunk_reader import ChunkReader
from campaign_scheduler.fanout.flow_control import FlowControl
from campaign_scheduler.fanout.loop import FAN_OUT, FanOutDependencies, FanOutLoop
from campaign_scheduler.fanout.outcome_counts import OutcomeCounts
from campaign_scheduler.held_leases import Leases, new_owner
from campaign_scheduler.job_scheduler import Job, Ticker
from campaign_scheduler.jobs.collect_gauges import OBSERVATION_INTERVAL, Observer
from campaign_scheduler.jobs.finish_campaigns import Finisher
from campaign_scheduler.jobs.publish_retries import Retrier
from campaign_scheduler.jobs.purge_dead_letters import Eraser
from campaign_scheduler.jobs.sample_rates import SAMPLE_INTERVAL, Sampler
from campaign_scheduler.jobs.start_campaigns import Starter
from campaign_scheduler.jobs.watchdog import Watchdog
from campaign_scheduler.metrics import Parts, SchedulerMetrics
from campaign_scheduler.publishing.publisher import Publisher

OVERTAKEN_INTERVAL = 2.0
"""Seconds between two searches for retries whose record no sender will meet."""

REMAP_INTERVAL = 2.0
"""Seconds between two comparisons of the partition map with Kafka."""

WATCH_INTERVAL = 5.0
"""Seconds between two looks for campaigns that stand still, at most."""

ERASE_INTERVAL = 5.0
"""Seconds between two looks for people whose number is to go from the dead letters."""

BEAT_INTERVAL = 1.0
"""Seconds between two signs that the ticker ticks."""

RENEWALS = 4
"""Renewals in the time of one lease, so that one missed renewal does not lose it."""

_log = structlog.get_logger()


class Service:
    """A scheduler: the ticking jobs, and the thread that fans out."""

    def __init__(
        self,
        settings: Settings,
        databases: Databases,
        outages: Outages,
        health: Health,
        stopping: threading.Event,
        tracing: Tracing | None,
    ) -> None:
        self.owner = new_owner()
        self._tracing = tracing
        self._stopping = stopping
        self._settings = settings
        self._health = health
        self._databases = databases
        self._availability = ServerAvailability(databases)
        self._leases = Leases(databases.main, Holder(self.owner, settings.scheduler.lease))
        self._checkpoints = CheckpointWriter(databases.main, self._leases, self._topic)
        self._retrier, self._overtaken = self._new_retrier(), self._new_retrier()
        self._watchdog = Watchdog(
            databases,
            kafka.admin(settings),
            topic=self._topic,
            owner=self.owner,
            after=settings.scheduler.standstill,
        )
        self._observer = Observer(databases, self.owner)
        fan_out = self._fan_out(outages)
        self._fan_out_thread = IndispensableThread(
            "fan-out",
            lambda: fan_out.run(stopping, partial(health.beat, "fan-out")),
            self._fail,
        )
        self.failed = False
        """Whether a thread failed that the process rests on."""
        jobs = self._jobs()
        self._ticker = Ticker(jobs, outages)
        self.metrics = SchedulerMetrics(
            Parts(
                outages,
                [FAN_OUT, *(job.part for job in jobs)],
                self._leases,
                self._checkpoints,
                self._retrier,
                self._overtaken,
                self._watchdog,
                self._observer,
            )
        )

    def start(self) -> None:
        """Begin to work."""
        self._fan_out_thread.start()
        self._ticker.start()

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds, once `stopping` is set.

        The order matters: nothing new is started or published, what is on its way to Kafka is
        reported and counted, and only then do others get the leases.
        """
        give_up_at = monotonic() + timeout
        self._ticker.stop(timeout / 2)
        self._fan_out_thread.join(max(give_up_at - monotonic(), 0.0))
        if self._fan_out_thread.alive:
            _log.warning("not everything published could be counted; it is published again")
        try:
            self._leases.give_back()
        except RetryLater as error:
            _log.warning("leases were not given back and run out instead", error=str(error))
        self._databases.close()

    def _fail(self) -> None:
        self.failed = True
        self._stopping.set()

    def _fan_out(self, outages: Outages) -> FanOutLoop:
        settings, databases, topic = self._settings, self._databases, self._topic
        dependencies = FanOutDependencies(
            databases=databases,
            leases=self._leases,
            publisher=self._publisher(),
            reader=ChunkReader(databases, self._availability, topic),
            checkpoints=self._checkpoints,
            outages=outages,
            outcomes=OutcomeCounts(databases, self._availability),
            tracing=self._tracing,
        )
        pace = settings.scheduler
        return FanOutLoop(dependencies, FlowControl.for_window(pace.chunk_size, pace.window))

    def _jobs(self) -> list[Job]:
        settings, databases = self._settings, self._databases
        main = databases.main
        pace = settings.scheduler
        starter = Starter(main, self._leases, settings.msg_table_sharding_size)
        remapper = Remapper(databases, kafka.admin(settings), self._topic, self.owner)
        finisher = Finisher(databases, self.owner)
        look_interval = min(pace.standstill / 4, WATCH_INTERVAL)
        eraser = Eraser(main, partial(opened_box, settings), partial(kafka.producer, settings))
        return [
            Job("starting campaigns", starter.start_due, pace.poll_interval),
            Job("renewing leases", self._leases.renew, pace.lease / RENEWALS),
            Job("sampling", Sampler(databases, self.owner).sample, SAMPLE_INTERVAL),
            Job("finishing campaigns", finisher.finish_complete, pace.poll_interval),
            Job("publishing retries", self._retrier.publish_due, pace.poll_interval),
            Job("publishing lost retries", self._overtaken.publish_overtaken, OVERTAKEN_INTERVAL),
            Job("looking for standstills", self._watchdog.look, look_interval),
            Job("erasing dead letters", eraser.erase, ERASE_INTERVAL),
            Job("partition map", lambda: _step(remapper), REMAP_INTERVAL),
            Job("beating", partial(self._health.beat, "the ticker"), BEAT_INTERVAL),
            *self._availability_jobs(),
            *self._observing(),
        ]

    def _availability_jobs(self) -> list[Job]:
        if len(self._databases.all) == 1:
            return []
        return [Job("looking for databases", self._availability.probe, PROBE_INTERVAL)]

    def _observing(self) -> list[Job]:
        if not self._settings.metrics_port:
            return []
        return [Job("observing", self._observer.observe, OBSERVATION_INTERVAL)]

    def _new_retrier(self) -> Retrier:
        return Retrier(
            self._databases,
            self._availability,
            self._publisher(),
            self._stopping,
            topic=self._topic,
            owner=self.owner,
            tracing=self._tracing,
        )

    def _publisher(self) -> Publisher:
        return Publisher(lambda: kafka.producer(self._settings), self._topic)

    @property
    def _topic(self) -> str:
        return self._settings.sync_client.topic


def _step(remapper: Remapper) -> None:
    remapper.step()
