"""The results of a measurement: figures, and values over time."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

Points = list[tuple[float, float]]
"""Seconds since the start of the measured time, and a value."""


class Figure(msgspec.Struct, frozen=True):
    """One number and its unit."""

    value: float
    unit: str


class Run(msgspec.Struct):
    """One repeat of a case."""

    figures: dict[str, Figure] = {}
    throughput: Points = []
    """Messages (or rows) a second."""
    processor: dict[str, Points] = {}
    """Cores in use, by process."""
    memory: dict[str, Points] = {}
    """Resident megabytes (2^20 bytes), by process."""
    latencies: dict[str, list[float]] = {}
    """Milliseconds of every wait, by its kind."""

    def note(self, name: str, value: float, unit: str) -> None:
        """Add a figure."""
        self.figures[name] = Figure(value, unit)


class Summary(msgspec.Struct, frozen=True):
    """A figure over all repeats."""

    name: str
    unit: str
    median: float
    least: float
    most: float


class CaseResult(msgspec.Struct):
    """All repeats of one case of a scenario."""

    scenario: str
    case: str
    parameters: dict[str, Any]
    runs: list[Run]

    def summaries(self) -> list[Summary]:
        """Sum up every figure that some repeat has, in the order in which they were noted."""
        names = dict.fromkeys(name for run in self.runs for name in run.figures)
        return [self.summary(name) for name in names]

    def summary(self, name: str) -> Summary:
        """Sum up one figure.

        Raises:
            KeyError: no repeat has the figure.
        """
        figures = [run.figures[name] for run in self.runs if name in run.figures]
        if not figures:
            raise KeyError(name)
        values = [figure.value for figure in figures]
        return Summary(name, figures[0].unit, statistics.median(values), min(values), max(values))


class Results(msgspec.Struct):
    """Everything that one command measured, with the machine and the servers."""

    measured_at: str
    machine: dict[str, Any]
    servers: dict[str, str]
    cases: list[CaseResult] = []

    @classmethod
    def begin(cls, machine: Mapping[str, Any], servers: Mapping[str, str]) -> "Results":
        """Make results without any case."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(now, dict(machine), dict(servers))

    def write(self, file: Path) -> None:
        """Write the results as JSON."""
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))


def read_results(files: Iterable[Path]) -> list[Results]:
    """Read files that `Results.write` wrote."""
    return [msgspec.json.decode(file.read_bytes(), type=Results) for file in files]


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile; `share` is 0.5 for the median. A single value is every percentile."""
    if len(values) == 1:
        return values[0]
    cuts = statistics.quantiles(values, n=1000, method="inclusive")
    return cuts[min(max(round(share * 1000) - 1, 0), len(cuts) - 1)]


def note_latencies(run: Run, name: str, milliseconds: list[float]) -> None:
    """Note the percentiles of a wait, and keep every value for the plot."""
    run.latencies[name] = milliseconds
    run.note(f"{name}, median", percentile(milliseconds, 0.5), "ms")
    run.note(f"{name}, p99", percentile(milliseconds, 0.99), "ms")
    run.note(f"{name}, longest", max(milliseconds), "ms")


def rates(counts: Points, span: float = 0.0) -> Points:
    """Turn counts over time into rates a second.

    Each rate covers at least `span` seconds, or else the time since the previous point.
    """
    found = []
    first = 0
    for at, count in counts[1:]:
        while counts[first + 1][0] < at and counts[first + 1][0] <= at - span:
            first += 1
        earlier, earlier_count = counts[first]
        if at - earlier >= span:
            found.append((at, (count - earlier_count) / (at - earlier)))
    return found


def as_json(value: object) -> str:
    """Format a parameter or a machine's property."""
    return value if isinstance(value, str) else json.dumps(value)
