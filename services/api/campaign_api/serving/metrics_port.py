"""GET /metrics of the API: any of its workers answers for all of them."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from campaign_api.metrics import WorkerMetrics
from campaign_common.database import Database
from campaign_common.metrics.server import listening_for_metrics, serving
from campaign_common.metrics.shared import count_in, forget_process, registry_of, shared_folder
from campaign_common.runtime.periodic_thread import PeriodicThread
from campaign_common.settings import Settings

TELL_INTERVAL = 1.0
"""Seconds between two looks at the pools of connections."""


class MetricsPort(NamedTuple):
    """Socket and folder of the metrics, made by the master and used by the workers."""

    listener: socket.socket
    folder: Path

    def serve_in_worker(self, databases: Sequence[Database]) -> "MetricsWorker":
        """Count in the folder, and answer, from now on; called in a worker, after the fork.

        Before any other metric is made: those would not be seen by the other processes.
        """
        return MetricsWorker(self, databases)

    def forget_worker(self, pid: int) -> None:
        """Take back what an ended worker said of its present state."""
        forget_process(self.folder, pid)


@contextmanager
def metrics_port(settings: Settings) -> Iterator[MetricsPort | None]:
    """Listen on MetricsPort, where one is configured, and have a folder for all workers.

    Raises:
        UserError: the port cannot be listened on.
    """
    if not settings.metrics_port:
        yield None
        return
    with listening_for_metrics(settings) as listener, shared_folder() as folder:
        yield MetricsPort(listener, folder)


class MetricsWorker:
    """One worker's part: publishes its pool metrics every second, and responds to scrapes."""

    def __init__(self, port: MetricsPort, databases: Sequence[Database]) -> None:
        count_in(port.folder)
        self._metrics = WorkerMetrics(CollectorRegistry())
        self._databases = databases
        self._tell()
        self._open = ExitStack()
        self._open.enter_context(serving(port.listener, registry_of(port.folder)))
        self._open.enter_context(PeriodicThread("pool-metrics", TELL_INTERVAL, self._tell))

    def stop(self) -> None:
        """Answer no more."""
        self._open.close()

    def _tell(self) -> None:
        for database in self._databases:
            self._metrics.update(database)
