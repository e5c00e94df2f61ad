"""`campaign-sender`: consumes messages as a member of the group and delivers them."""

import os
import socket
import threading
import time
from collections.abc import Callable
from functools import partial

import click
import structlog
from prometheus_client import CollectorRegistry

from campaign_common import kafka, topics
from campaign_common.commands.options import configuration_option
from campaign_common.commands.service import (
    configured_service,
    end_within,
    logged_failures,
    spare_the_garbage_collector,
    stop_on_signals,
)
from campaign_common.database import Databases
from campaign_common.dead_letters import dead_letter_topic
from campaign_common.errors import RetryLater
from campaign_common.health import Health
from campaign_common.health_server import health_of
from campaign_common.metrics.server import metrics_of
from campaign_common.obstacle import Obstacle
from campaign_common.repeating import Repeating
from campaign_common.schema import wait_for_schema
from campaign_common.settings import Settings
from campaign_common.tracing import Tracing, tracing_of
from campaign_sender import assembly, lag, retention, shared_breakers
from campaign_sender.breaker import Breaker, BreakerPolicy
from campaign_sender.dead_letters import DeadLetters
from campaign_sender.delivery import MakeProvider
from campaign_sender.lag import Lag
from campaign_sender.lanes import Lane, require_views
from campaign_sender.lookout import LookoutThread
from campaign_sender.loop import Loop
from campaign_sender.metrics import Parts, SenderMetrics
from campaign_sender.newer_records import PATIENCE, NewerRecords
from campaign_sender.ownership import Ownership
from campaign_sender.presence import presence_of
from campaign_sender.providers.http import HttpProvider
from campaign_sender.providers.simulated import SimulatedProvider
from campaign_sender.reception import Reception
from campaign_sender.retention import Retention
from campaign_sender.shared_breakers import SharedBreakers
from campaign_sender.test_messages import TestMessages
from campaign_sender.tracing import BatchTraces

LONGEST_HOST = 48
"""Characters of the host's name in the name of a process."""

CLOSING = 2.0
"""Seconds of DrainTimeout kept for leaving the group; a tenth of a short one."""

log = structlog.get_logger()


class Sender:
    """Every part of one sender process, wired; `run` returns after an orderly stop."""

    def __init__(
        self,
        settings: Settings,
        databases: Databases,
        health: Health,
        registry: CollectorRegistry,
        stop: threading.Event,
        tracing: Tracing | None,
    ) -> None:
        self._health = health
        self._drain_timeout = settings.drain_timeout
        topic = settings.sync_client.topic
        name = _process_name()
        admin = kafka.admin(settings)
        protocol = kafka.group_protocol(settings, admin)
        topics.create_dead_letters(admin, dead_letter_topic(topic))
        log.info("joining the group", group=settings.send_client.group, protocol=protocol)
        self._consumer = kafka.consumer(settings, protocol, name)
        places = assembly.places_on(databases, settings)
        self._delivery = assembly.delivery_for(places)
        providers = _providers(settings)
        for provider, make in providers.items():
            breaker = Breaker(BreakerPolicy(), time.monotonic)
            self._delivery.add(provider, breaker, make)
        self._test_messages = TestMessages(databases.main, providers)
        self._presence = presence_of(name, databases.main)
        traces = BatchTraces(tracing) if tracing is not None else None
        self._lanes = assembly.lanes_over(places, self._delivery, settings, traces)
        self._breakers = SharedBreakers(databases.main, self._delivery, name)
        self._looking = [
            LookoutThread(lane.lookout, partial(self._after_look, lane), lane.server.own.name)
            for lane in self._lanes.all
        ]
        health.add("last check", partial(require_views, self._lanes.all))
        deletions = Retention(admin, topic, self._lanes.desks)
        backlog = Lag(admin, topic, self._lanes.desks)
        self._watching = (
            Repeating("retention", retention.INTERVAL, deletions.pass_over_deleted),
            Repeating("lag", lag.INTERVAL, backlog.look),
            Repeating("breakers", shared_breakers.INTERVAL, self._breakers.exchange),
        )
        newer = NewerRecords(time.monotonic, PATIENCE)
        self._ownership = Ownership(
            self._consumer,
            self._lanes,
            topic=topic,
            owner_name=name,
            drain_timeout=settings.drain_timeout - min(CLOSING, settings.drain_timeout / 10),
            newer=newer,
        )
        dead_letters = DeadLetters(partial(kafka.producer, settings), topic)
        intakes = assembly.intakes_for(places, settings, traces)
        self._loop = Loop(
            self._consumer,
            self._ownership,
            Reception(self._lanes.desks, intakes, dead_letters, newer, traces),
            assembly.gates_before(self._lanes, intakes),
            (*(lane.recorder for lane in self._lanes.all), *self._looking, self._delivery),
            partial(health.beat, "the loop"),
            stop,
            batch_size=settings.sender.batch_size,
        )
        parts = Parts(self._lanes, self._delivery, self._ownership, dead_letters, backlog)
        registry.register(SenderMetrics(parts))

    def _after_look(self, lane: Lane) -> None:
        lane.requests.note(lane.lookout.requested_shards)
        self._delivery.offer_postponed(
            lambda message: self._lanes.of_shard(message.record.shard) is lane
        )

    def run(self) -> None:
        """Work until `stop` is set; then drain, record, commit, leave the group."""
        for looking in self._looking:
            looking.start()
        for thread in self._watching:
            thread.start()
        for lane in self._lanes.all:
            lane.recorder.start()
        self._test_messages.start()
        self._presence.start()
        self._health.started()
        try:
            self._loop.run()
            end_within(self._drain_timeout)
            self._ownership.release_all()
        finally:
            end_within(self._drain_timeout)  # counts where the loop ended by an error
            self._test_messages.stop()
            self._presence.stop()
            for lane in self._lanes.all:
                lane.recorder.stop()
            for thread in self._watching:
                thread.stop(wait=False)  # a request under way ends with the process
            for looking in self._looking:
                looking.stop()
            self._delivery.close()
            self._consumer.close()


def _process_name() -> str:
    """Name this process as the columns that hold it want it: 64 characters of ASCII.

    Of a long host name the end is kept, which is where names of pods differ.
    """
    host = socket.gethostname().encode("ascii", "replace").decode()
    return f"{host[-LONGEST_HOST:]}-{os.getpid()}"


def _providers(settings: Settings) -> dict[str, MakeProvider]:
    """Tell how each provider that is configured is made."""
    providers: dict[str, MakeProvider] = {
        SimulatedProvider.name: partial(SimulatedProvider, settings.simulated)
    }
    if settings.http.url is not None:
        providers[HttpProvider.name] = partial(HttpProvider, settings.http)
    return providers


@click.command()
@configuration_option
@click.pass_context
def main(context: click.Context) -> None:
    """Deliver messages: a member of the sender group, as many as there are partitions."""
    settings = configured_service(context, "sender")
    stop = threading.Event()
    stop_on_signals(stop)
    with logged_failures():
        databases = Databases.configured(settings)
        try:
            with (
                health_of(settings, databases, stop) as health,
                metrics_of(settings, "sender", databases.all) as registry,
                tracing_of(settings, "sender") as tracing,
            ):
                build = partial(Sender, settings, databases, health, registry, stop, tracing)
                sender = _build(build, settings, databases, stop)
                if sender is not None:
                    spare_the_garbage_collector()
                    sender.run()
        finally:
            databases.close()
    log.info("stopped")


def _build(
    build: Callable[[], Sender], settings: Settings, databases: Databases, stop: threading.Event
) -> Sender | None:
    """Wait for the schema and the broker, however long they take; None when stopped first."""
    wait_for_schema(databases, settings.msg_table_sharding_size, stop=stop)
    obstacle = Obstacle()
    while not stop.is_set():
        try:
            sender = build()
        except RetryLater as error:
            if obstacle.met(str(error)):
                log.warning("starting waits", error=str(error))
            stop.wait(1.0)
        else:
            if (waited := obstacle.overcome()) is not None:
                log.info("starting goes on", seconds=round(waited, 1))
            return sender
    return None
