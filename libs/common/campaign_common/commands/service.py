"""What every long-running service does at its start: settings, logging, signals."""

import os
import signal
import threading
from types import FrameType

import click
import structlog

from campaign_common.commands.options import settings_or_exit
from campaign_common.logs import configure_logging
from campaign_common.settings import Settings

log = structlog.get_logger()


def configured_service(context: click.Context, service: str) -> Settings:
    """Load the settings or exit, set logging up, and log what an operator should know."""
    settings = settings_or_exit(context)
    configure_logging(service, settings.log)
    for note in settings.notes:
        log.warning("configuration", note=note)
    return settings


def stop_on_signals(stopping: threading.Event) -> None:
    """Set `stopping` on the first SIGTERM or SIGINT; end the process at once on a second one.

    The process then ends with 128 plus the signal's number, as if the signal had ended it.
    """

    def on_signal(number: int, _: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        log.info("stopping", signal=signal.Signals(number).name)
        stopping.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
