"""Metrics of a service that is several processes: each counts in files that any of them can read.

The files lie in a folder that only this service's user may enter, and go with its first process.
"""

import os
import shutil
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""By which the client library finds the folder when a metric is made."""

ATTEMPTS = 5
READ_PAUSE = 0.02
"""Seconds between two attempts to read the files."""


class SharedMetrics(Collector):
    """Sum of the metrics that several processes write to one folder."""

    def __init__(self, folder: Path, pause: Callable[[float], None] = time.sleep) -> None:
        self._reader = MultiProcessCollector(None, path=str(folder))  # type: ignore[no-untyped-call]
        self._pause = pause

    def collect(self) -> Iterable[Metric]:
        """Read all files; once more where a process that starts has not filled one yet."""
        for _ in range(ATTEMPTS - 1):
            with suppress(struct.error):
                return self._read()
            self._pause(READ_PAUSE)
        return self._read()

    def _read(self) -> list[Metric]:
        return list(self._reader.collect())  # type: ignore[no-untyped-call]


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Make the folder, for the processes that are forked while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="campaign-metrics-"))
    maker = os.getpid()
    try:
        yield folder
    finally:
        # A forked process leaves the block as well, and the others still count.
        if os.getpid() == maker:
            shutil.rmtree(folder, ignore_errors=True)


def count_in(folder: Path) -> None:
    """Keep every metric that is made from now on in `folder`.

    The client library makes this choice for the whole process, and when it is imported unless
    told here.
    """
    os.environ[FOLDER_VARIABLE] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def registry_of(folder: Path) -> CollectorRegistry:
    """Make the registry that tells what all processes have counted in `folder`."""
    registry = CollectorRegistry()
    registry.register(SharedMetrics(folder))
    return registry


def forget_process(folder: Path, pid: int) -> None:
    """Take back what an ended process said of its present state; what it has counted stays."""
    mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]
