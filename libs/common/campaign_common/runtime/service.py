"""The start of a long-running service: settings, logging, signals."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
import structlog
from pymysql.err import Error as DriverError

from campaign_common.errors import CampaignError
from campaign_common.runtime.command_line import EXIT_FAILURE, settings_or_exit
from campaign_common.runtime.logs import configure_logging, log_uncaught_errors
from campaign_common.settings import Settings

STOPPING_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})

GARBAGE_THRESHOLD = 100_000
"""Allocations between two collections: a batch makes many objects, and no cycles."""

log = structlog.get_logger()


def configured_service(context: click.Context, service: str) -> Settings:
    """Load the settings or exit, set logging up, and log what an operator should know."""
    settings = settings_or_exit(context)
    configure_logging(service, settings.log)
    log_uncaught_errors()
    for note in settings.notes:
        log.warning("configuration", note=note)
    return settings


@contextmanager
def logged_failures() -> Iterator[None]:
    """End the process with exit code 1 where the block fails, and one line of the log says why.

    What should not happen is logged with its trace.
    """
    try:
        yield
    except (CampaignError, DriverError) as error:
        log.critical("service failed", reason=str(error), kind=type(error).__name__)
        sys.exit(EXIT_FAILURE)
    except Exception as error:
        log.critical("service failed", kind=type(error).__name__, exc_info=True)
        sys.exit(EXIT_FAILURE)


def stop_on_signals(stopping: threading.Event) -> None:
    """Set `stopping` at the first SIGTERM or SIGINT; end the process at once at the second.

    The process then ends with 128 plus the signal's number, as if the signal had ended it.

    Call this in the main thread before it starts others, which inherit the blocked signals. A
    thread waits for the signals instead of a handler: a handler interrupts code that may hold a
    lock, and would deadlock on that lock.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING_SIGNALS)
    threading.Thread(
        target=_wait_for_signals, args=(stopping,), name="signals", daemon=True
    ).start()


def spare_the_garbage_collector() -> None:
    """Make collections of cycles rare, and leave out what the process is made of.

    For a service that works in batches of thousands, once its parts are put together.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def end_within(seconds: float) -> None:
    """End the process with exit code 0 in `seconds` seconds, whatever then still waits.

    For an orderly stop: a server that does not answer must not keep the process past its time.
    """

    def end() -> None:
        log.warning("shutdown timed out", seconds=seconds)
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _wait_for_signals(stopping: threading.Event) -> None:
    first = signal.sigwait(STOPPING_SIGNALS)
    log.info("stopping", signal=signal.Signals(first).name)
    stopping.set()
    second = signal.sigwait(STOPPING_SIGNALS)
    os._exit(128 + second)
