"""The table that a run of the chaos suite ends with."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The fault of one test, and its effects on the system."""

    fault: str
    server: str
    faults: int
    lost: int
    duplicates: int
    bound: int
    """Repeated calls that the promises allow, from the counters of this very run."""
    unknown: int
    recovered: float | None
    """Seconds from a fault until the work went on, the longest of the run."""


HEADINGS = (
    *("fault", "database", "faults", "lost", "duplicate sends", "bound", "unknown"),
    "time to recover",
)


def table(findings: Sequence[Finding]) -> list[str]:
    """Lay the findings out in columns."""
    rows = [HEADINGS, *(_cells(finding) for finding in findings)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]


def _cells(finding: Finding) -> tuple[str, ...]:
    numbers = (
        *(finding.faults, finding.lost, finding.duplicates, finding.bound),
        finding.unknown,
    )
    recovered = "-" if finding.recovered is None else f"{finding.recovered:.1f} s"
    return (finding.fault, finding.server, *(f"{n:,}" for n in numbers), recovered)
