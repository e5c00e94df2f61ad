"""`campaign-sender` command: a member of the consumer group that delivers messages."""

import threading
from collections.abc import Callable
from functools import partial

import click
import structlog

from campaign_common.database import Databases
from campaign_common.errors import RetryLater
from campaign_common.health.server import health_of
from campaign_common.metrics.server import metrics_of
from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.command_line import configuration_option
from campaign_common.runtime.outage_log import Outage
from campaign_common.runtime.service import (
    configured_service,
    logged_failures,
    spare_the_garbage_collector,
    stop_on_signals,
)
from campaign_common.schema import wait_for_schema
from campaign_common.settings import Settings
from campaign_common.tracing import tracing_of
from campaign_sender.service import Sender

log = structlog.get_logger()


@click.command()
@configuration_option
@click.version_option(package_name="camp-mgr", prog_name="campaign-sender")
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
                tracing_of(settings, "sender") as tracer,
            ):
                build = partial(Sender, settings, databases, health, registry, stop, tracer)
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
    outage = Outage("start delayed", "start resumed", log)
    backoff = Backoff(stop.wait, first=0.2, longest=1.0)
    while not stop.is_set():
        try:
            sender = build()
        except RetryLater as error:
            outage.failed(str(error))
            backoff.pause()
        else:
            outage.recovered()
            return sender
    return None
