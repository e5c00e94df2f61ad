"""campaign-api: arguments, wiring, and the server."""

import click
import structlog

from campaign_api.lists.private_files import require_apart
from campaign_api.serving.listening import listen
from campaign_api.serving.metrics_port import metrics_port
from campaign_api.serving.server import GunicornServer
from campaign_common.commands.options import (
    configuration_option,
    one_line_failures,
    settings_or_exit,
)
from campaign_common.database import Databases
from campaign_common.logs import configure_logging
from campaign_common.settings import Settings


@click.command()
@configuration_option
@click.pass_context
def main(context: click.Context) -> None:
    """Serve the API until SIGTERM, which lets running requests end."""
    settings = settings_or_exit(context)
    configure_logging("api", settings.log)
    for note in settings.notes:
        structlog.get_logger().warning("configuration", note=note)
    if settings.auth == "none":
        structlog.get_logger().warning("Auth is none: whoever reaches this port may do everything")
    with one_line_failures("campaign-api"):
        _require_csv_root(settings)
        listener = listen(settings.host, settings.port)
        with metrics_port(settings) as metrics:
            GunicornServer(settings, listener.detach(), metrics).run()


def _require_csv_root(settings: Settings) -> None:
    """Look once, before any worker is there, for what no list may be read from."""
    databases = Databases.configured(settings)
    try:
        notes = require_apart(settings, databases.all)
    finally:
        databases.close()
    for note in notes:
        structlog.get_logger().warning("configuration", note=note)
