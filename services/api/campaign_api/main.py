"""campaign-api: arguments, wiring, and the server."""

import click
import structlog

from campaign_api.serving.listening import listen
from campaign_api.serving.metrics_port import metrics_port
from campaign_api.serving.server import GunicornServer
from campaign_common.commands.options import configuration_option
from campaign_common.commands.service import configured_service, logged_failures


@click.command()
@configuration_option
@click.pass_context
def main(context: click.Context) -> None:
    """Serve the API until SIGTERM, which lets running requests end."""
    settings = configured_service(context, "api")
    if settings.auth == "none":
        structlog.get_logger().warning("Auth is none: whoever reaches this port may do everything")
    with logged_failures():
        listener = listen(settings.host, settings.port)
        with metrics_port(settings) as metrics:
            GunicornServer(settings, listener.detach(), metrics).run()
