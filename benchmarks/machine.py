"""The machine that measures, and its load by other programs."""

import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PROCESSOR_NAME = "model name"


def describe() -> dict[str, Any]:
    """Return the properties of the machine on which the figures depend."""
    return {
        "cores": psutil.cpu_count(),
        "processor": _processor(),
        "memory, GB": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
    }


class OtherPrograms:
    """The processor use of programs that do not belong to the benchmark."""

    def __init__(self) -> None:
        self._own = _own_seconds()
        self._busy, self._idle = _machine_seconds()

    def share(self) -> float:
        """Return their share of the processors since this object was made, 0 to 1."""
        busy, idle = _machine_seconds()
        used = busy - self._busy
        own = _own_seconds() - self._own
        return max(used - own, 0.0) / max(used + idle - self._idle, 1e-9)


def _own_seconds() -> float:
    """Sum up the processor time of this process, its descendants and their ended children."""
    total = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def _machine_seconds() -> tuple[float, float]:
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts guests' time in the user's as well.
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return sum(times) - guests - idle, idle


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(PROCESSOR_NAME)]
    return names[0] if names else platform.machine()
