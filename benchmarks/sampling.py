"""Processor time and memory of processes, over time."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

import psutil

from benchmarks.results import Points, rates

MEGABYTE = 2**20
INTERVAL = 0.25
"""Seconds between two samples."""


class Family:
    """A process and its current descendants, taken together."""

    def __init__(self, pid: int) -> None:
        root = psutil.Process(pid)
        # Asked once: looking for children reads the whole process table.
        self._members = [root, *root.children(recursive=True)]
        self._used: dict[int, float] = {}

    def processor_seconds(self) -> float:
        """Sum the processor time of all members, ended ones included."""
        for member in self._members:
            with suppress(psutil.NoSuchProcess):
                times = member.cpu_times()
                self._used[member.pid] = times.user + times.system
        return sum(self._used.values())

    def megabytes(self) -> float:
        """Return the resident set of the largest member."""
        largest = 0
        for member in self._members:
            with suppress(psutil.NoSuchProcess):
                largest = max(largest, member.memory_info().rss)
        return largest / MEGABYTE


class PeakMemory:
    """Peak memory of each service's largest process; a context manager that samples it."""

    def __init__(self, processes: Mapping[str, int], interval: float = 0.1) -> None:
        self._processes = processes
        self.megabytes = dict.fromkeys(processes, 0.0)
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(self._interval):
            for name, pid in self._processes.items():
                with suppress(psutil.NoSuchProcess):
                    # A new family each time, since a service may start further processes.
                    held = Family(pid).megabytes()
                    self.megabytes[name] = max(self.megabytes[name], held)


class Usage:
    """Processor time and memory of a set of processes during the measured time."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._families = {name: Family(pid) for name, pid in processes.items()}
        self._used: dict[str, Points] = {name: [] for name in processes}
        self._held: dict[str, Points] = {name: [] for name in processes}
        self._began = time.monotonic()

    def sample(self) -> None:
        """Take a sample of each process."""
        for name, family in self._families.items():
            at = time.monotonic() - self._began
            self._used[name].append((at, family.processor_seconds()))
            self._held[name].append((at, family.megabytes()))

    @property
    def seconds(self) -> Mapping[str, float]:
        """Processor seconds by process."""
        return {name: used[-1][1] - used[0][1] for name, used in self._used.items()}

    @property
    def cores(self) -> dict[str, Points]:
        """Cores in use over time, by process."""
        return {name: rates(used) for name, used in self._used.items()}

    @property
    def memory(self) -> dict[str, Points]:
        """Megabytes of the largest member over time, by process."""
        return self._held


@contextmanager
def sampled(processes: Mapping[str, int], interval: float = INTERVAL) -> Iterator[Usage]:
    """Sample processes during the block, and at its beginning and its end."""
    usage = Usage(processes)
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(interval):
            usage.sample()

    usage.sample()
    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        stop.set()
        thread.join()
        usage.sample()


def grouped(seconds: Mapping[str, float], groups: Sequence[str]) -> dict[str, float]:
    """Sum up the seconds by group; a name belongs to the group that it begins with."""
    return {
        group: sum(used for name, used in seconds.items() if name.startswith(group))
        for group in groups
        if any(name.startswith(group) for name in seconds)
    }
