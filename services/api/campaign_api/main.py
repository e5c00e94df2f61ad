"""campaign-api: arguments, wiring, and the server."""

import click
import structlog

from campaign_api.lists.private_files import require_apart
from campaign_api.serving.callbacks.callback_content import callback_readers
from campaign_api.serving.listening import listen
from campaign_api.serving.metrics_port import metrics_port
from campaign_api.serving.server import GunicornServer
from campaign_common.database import Databases
from campaign_common.runtime.command_line import configuration_option
from campaign_common.runtime.service import configured_service, logged_failures
from campaign_common.settings import Settings


@click.command()
@configuration_option
@click.version_option(package_name="camp-mgr", prog_name="campaign-api")
@click.pass_context
def main(context: click.Context) -> None:
    """Serve the API until SIGTERM, which lets running requests end."""
    settings = configured_service(context, "api")
    if settings.auth == "none":
        structlog.get_logger().warning("authentication disabled (Auth: none)")
    with logged_failures():
        takes_callbacks = settings.dashboard != "only"
        callbacks = callback_readers(settings) if takes_callbacks else {}
        _require_csv_root(settings)
        listeners = [listen(settings.host, settings.port)]
        if settings.callback_port and takes_callbacks:
            listeners.append(listen(settings.host, settings.callback_port, "CallbackPort"))
        with metrics_port(settings) as metrics:
            taken_over = [listener.detach() for listener in listeners]
            GunicornServer(settings, taken_over, metrics, callbacks).run()


def _require_csv_root(settings: Settings) -> None:
    """Check once, before any worker is started, that CsvRoot holds no private files."""
    databases = Databases.configured(settings)
    try:
        notes = require_apart(settings, databases.all)
    finally:
        databases.close()
    for note in notes:
        structlog.get_logger().warning("configuration", note=note)
