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
    """A process and those below it at this moment, as one."""

    def __init__(self, pid: int) -> None:
        root = psutil.Process(pid)
        # Asked once: looking for children reads the whole process table.
        self._members = [root, *root.children(recursive=True)]
        self._used: dict[int, float] = {}

    def processor_seconds(self) -> float:
        """Sum the processor time; what a member used stays when it has ended."""
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
    """The most that each service's largest process held; a context manager."""

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
                    # Anew each time: a service may start further processes meanwhile.
                    held = Family(pid).megabytes()
                    self.megabytes[name] = max(self.megabytes[name], held)


class Usage:
    """What a set of processes used between the beginning and the end of a measured time."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._families = {name: Family(pid) for name, pid in processes.items()}
        self._used: dict[str, Points] = {name: [] for name in processes}
        self._held: dict[str, Points] = {name: [] for name in processes}
        self._began = time.monotonic()

    def sample(self) -> None:
        """Note where each process is now."""
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
        """How many cores each process used over time."""
        return {name: rates(used) for name, used in self._used.items()}

    @property
    def memory(self) -> dict[str, Points]:
        """How many megabytes each process's largest member held over time."""
        return self._held


@contextmanager
def sampled(processes: Mapping[str, int], interval: float = INTERVAL) -> Iterator[Usage]:
    """Sample processes for the time of the block, at its beginning and its end as well."""
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
    """Sum up what belongs together: a name belongs to the group that it begins with."""
    return {
        group: sum(used for name, used in seconds.items() if name.startswith(group))
        for group in groups
        if any(name.startswith(group) for name in seconds)
    }
