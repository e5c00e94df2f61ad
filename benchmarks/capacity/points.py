"""The measurements, with their machines: the only inputs of the model, in benchmarks/costs.json."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.measuring import OTHERS
from benchmarks.results import CaseResult, Figure, Results
from benchmarks.traffic import COMMITS, NETWORK, REDO_LOG

COSTS = Path(__file__).parents[1] / "costs.json"

SEND, HTTP, REHEARSAL, UPKEEP = "send", "http", "scaling-rehearsal", "upkeep"
SCENARIOS = (SEND, HTTP, REHEARSAL, UPKEEP)
"""The scenarios that measure capacity."""

CORES, PROCESSOR_NAME = "cores", "processor"
"""Names of the machine's properties."""

RATE, PROCESSOR = "rate", "processor: "
RECIPIENT, OUTCOME, RECORD = (
    "recipient in the database",
    "outcome in the database",
    "record in Kafka",
)

FIGURES = (RATE, RECIPIENT, OUTCOME, RECORD, REDO_LOG, COMMITS, NETWORK, OTHERS)
"""Names of the figures to keep, besides all that begin with PROCESSOR."""

QUIET = 0.1
"""Share of the processor that other programs may have had without a message costing more."""


class Point(msgspec.Struct, frozen=True):
    """One measured case: medians over its runs."""

    scenario: str
    case: str
    measured_at: str
    machine: dict[str, Any]
    servers: dict[str, str]
    parameters: dict[str, Any]
    runs: int
    figures: dict[str, Figure]

    @property
    def key(self) -> tuple[str, str, str]:
        """Identity of the case; a later measurement with the same key replaces this one."""
        return self.scenario, self.case, self.database

    @property
    def database(self) -> str:
        """Flavour of the database server: mariadb or mysql."""
        return str(self.parameters["database"])

    @property
    def cores(self) -> int:
        """Cores of the machine that everything shared."""
        return int(self.machine[CORES])

    @property
    def rows(self) -> int:
        """Number of messages that were sent."""
        return int(self.parameters["rows"])

    @property
    def senders(self) -> int:
        """Number of senders."""
        return int(self.parameters["senders"])

    @property
    def latency(self) -> float:
        """Seconds that the provider took for an answer."""
        return float(self.parameters.get("latency", 0.0))

    @property
    def others(self) -> float:
        """Share of the processor that other programs had, 0 to 1."""
        return self.figures[OTHERS].value

    @property
    def place(self) -> str:
        """The machine and the servers of the measurement."""
        servers = ", ".join(self.servers.values())
        return f"{self.cores} cores ({self.machine[PROCESSOR_NAME]}), {servers}"


def points_of(measured: Iterable[Results]) -> list[Point]:
    """Extract the measurements of capacity from results."""
    return [
        _point(results, case)
        for results in measured
        for case in results.cases
        if case.scenario in SCENARIOS and case.runs
    ]


def latest(points: Iterable[Point]) -> list[Point]:
    """Return the latest measurement of each case, in a fixed order."""
    found = {point.key: point for point in sorted(points, key=lambda each: each.measured_at)}
    return [found[key] for key in sorted(found, key=_order)]


def read_points(file: Path = COSTS) -> list[Point]:
    """Read the measurements that are kept in the project."""
    return msgspec.json.decode(file.read_bytes(), type=list[Point])


def write_points(points: Iterable[Point], file: Path = COSTS) -> None:
    """Write measurements to the project's file."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(list(points)), indent=1) + b"\n")


def _order(key: tuple[str, str, str]) -> tuple[int, str, str]:
    scenario, case, database = key
    return SCENARIOS.index(scenario), database, case


def _point(results: Results, case: CaseResult) -> Point:
    figures = {
        summary.name: Figure(round(summary.median, 3), summary.unit)
        for summary in case.summaries()
        if _matters(summary.name)
    }
    return Point(
        scenario=case.scenario,
        case=case.case,
        measured_at=results.measured_at,
        machine={name: results.machine[name] for name in (CORES, PROCESSOR_NAME)},
        servers=results.servers,
        parameters=case.parameters,
        runs=len(case.runs),
        figures=figures,
    )


def _matters(name: str) -> bool:
    return name in FIGURES or name.startswith(PROCESSOR)
