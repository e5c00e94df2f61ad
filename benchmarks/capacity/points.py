"""What was measured, and where: the only inputs of the model, kept in benchmarks/costs.json."""

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
"""The scenarios that say something about capacity."""

CORES, PROCESSOR_NAME = "cores", "processor"
"""Of the machine."""

RATE, PROCESSOR = "rate", "processor: "
RECIPIENT, OUTCOME, RECORD = (
    "recipient in the database",
    "outcome in the database",
    "record in Kafka",
)

FIGURES = (RATE, RECIPIENT, OUTCOME, RECORD, REDO_LOG, COMMITS, NETWORK, OTHERS)
"""What is kept, besides everything that begins with PROCESSOR."""

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
        """What a later measurement takes the place of."""
        return self.scenario, self.case, self.database

    @property
    def database(self) -> str:
        """Which server it was: mariadb or mysql."""
        return str(self.parameters["database"])

    @property
    def cores(self) -> int:
        """Of the machine that everything shared."""
        return int(self.machine[CORES])

    @property
    def rows(self) -> int:
        """How many messages were sent."""
        return int(self.parameters["rows"])

    @property
    def senders(self) -> int:
        """How many senders there were."""
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
        """Say where it was measured."""
        servers = ", ".join(self.servers.values())
        return f"{self.cores} cores ({self.machine[PROCESSOR_NAME]}), {servers}"


def points_of(measured: Iterable[Results]) -> list[Point]:
    """Take what says something about capacity out of results."""
    return [
        _point(results, case)
        for results in measured
        for case in results.cases
        if case.scenario in SCENARIOS and case.runs
    ]


def latest(points: Iterable[Point]) -> list[Point]:
    """Leave the latest of each case, in a fixed order."""
    found = {point.key: point for point in sorted(points, key=lambda each: each.measured_at)}
    return [found[key] for key in sorted(found, key=_order)]


def read_points(file: Path = COSTS) -> list[Point]:
    """Read what is kept in the project."""
    return msgspec.json.decode(file.read_bytes(), type=list[Point])


def write_points(points: Iterable[Point], file: Path = COSTS) -> None:
    """Keep points in the project."""
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
