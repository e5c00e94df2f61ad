"""Entry point of campaign-scheduler: arguments, signals, and waiting for what it depends on."""

import os
import sys
import threading
from time import monotonic

import click
import structlog

from campaign_common.database import Databases
from campaign_common.errors import TopicMissing
from campaign_common.health.checks import HealthMonitor
from campaign_common.health.server import health_of
from campaign_common.kafka import clients, topics
from campaign_common.metrics.server import metrics_of
from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.command_line import EXIT_FAILURE, configuration_option
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.runtime.service import (
    configured_service,
    logged_failures,
    spare_the_garbage_collector,
    stop_on_signals,
)
from campaign_common.schema import wait_for_schema
from campaign_common.settings import Settings
from campaign_common.tracing import tracing_of
from campaign_scheduler.metrics import COUNTERS
from campaign_scheduler.service import SchedulerService

_log = structlog.get_logger()


@click.command()
@configuration_option
@click.version_option(package_name="camp-mgr", prog_name="campaign-scheduler")
@click.pass_context
def main(context: click.Context) -> None:
    """Start due campaigns, publish and finish them, until SIGTERM."""
    settings = configured_service(context, "scheduler")
    stopping = threading.Event()
    stop_on_signals(stopping)
    with logged_failures():
        failed = _run(settings, stopping)
    # Threads that wait for a dead server must not keep the process running.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_FAILURE if failed else 0)


def _run(settings: Settings, stopping: threading.Event) -> bool:
    """Run until stopped; return whether a failed thread was the reason."""
    databases = Databases.configured(settings)
    with (
        health_of(settings, databases, stopping) as health,
        metrics_of(settings, "scheduler", databases.all) as registry,
        tracing_of(settings, "scheduler") as tracer,
    ):
        outages = OutageLog()
        wait_for_schema(databases, settings.msg_table_sharding_size, stop=stopping)
        _wait_for_kafka(settings, outages, stopping)
        if not stopping.is_set():
            service = SchedulerService(settings, databases, outages, health, stopping, tracer)
            registry.register(COUNTERS)
            registry.register(service.gauges)
            spare_the_garbage_collector()
            _run_until_stopped(service, health, stopping, settings.drain_timeout)
            return service.failed
    return False


def _run_until_stopped(
    service: SchedulerService,
    health: HealthMonitor,
    stopping: threading.Event,
    drain_timeout: float,
) -> None:
    service.start()
    health.started()
    _log.info("scheduler started", owner=service.owner)
    stopping.wait()
    began = monotonic()
    service.stop(drain_timeout)
    _log.info("scheduler stopped", seconds=round(monotonic() - began, 2))


def _wait_for_kafka(settings: Settings, outages: OutageLog, stopping: threading.Event) -> None:
    """Wait until the broker answers; the topic may still be missing."""
    client = clients.admin(settings)
    backoff = Backoff(stopping.wait, first=0.2, longest=5.0)

    def query() -> None:
        try:
            topics.describe(client, settings.sync_client.topic)
        except TopicMissing:
            return

    while not stopping.is_set() and not outages.run("Kafka", query):
        backoff.pause()
