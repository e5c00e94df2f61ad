import math
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from benchmarks.capacity import command
from benchmarks.capacity.command import capacity
from benchmarks.capacity.model import (
    DATABASE,
    IN_FLIGHT,
    MACHINE,
    SCHEDULER,
    TAKES_TURNS,
    TOLERANCE,
    Check,
    Deployment,
    bounds,
    checks,
    costs_of,
    deployment_of,
    predict,
)
from benchmarks.capacity.needs import MOST_CALLS, needs
from benchmarks.capacity.page import PAGE, SECTION, TABLES, with_tables
from benchmarks.capacity.points import Point, latest, points_of, read_points, write_points
from benchmarks.measuring import OTHERS
from benchmarks.results import CaseResult, Figure, Results, Run
from campaign_common.settings import HttpSettings, SenderSettings

POINTS = read_points()
COSTS = costs_of(POINTS, "send", "mariadb")
EVEN = replace(COSTS, sender=15.0, scheduler=10.0, database=5.0, broker=2.0, provider=0.0)
"""One sender does 50,000 messages a second, a campaign 100,000, a database server 200,000."""
PROCESSES = ("sender", "scheduler", "database", "broker")


def case_of(check: Check) -> str:
    return f"{check.point.scenario}: {check.point.case}, {check.point.database}"


@pytest.mark.parametrize("check", checks(POINTS), ids=case_of)
def test_what_was_measured_is_predicted(check: Check) -> None:
    assert abs(check.error) <= TOLERANCE


def test_more_is_compared_than_the_costs_are_taken_from() -> None:
    compared = {check.point.key for check in checks(POINTS)}
    sources = {costs_of(POINTS, scenario, "mariadb").source.key for scenario in ("send", "http")}
    assert len(compared - sources) >= 3


def test_a_cost_that_changes_without_the_rates_is_noticed() -> None:
    changed = [_dearer(point) if point == COSTS.source else point for point in POINTS]
    assert any(abs(check.error) > TOLERANCE for check in checks(changed))


def _dearer(point: Point) -> Point:
    name = "processor: sender"
    figures = {**point.figures, name: Figure(point.figures[name].value * 2, "µs/msg")}
    return msgspec.structs.replace(point, figures=figures)


@pytest.mark.parametrize(
    ("deployment", "rate", "bound"),
    [
        (Deployment(), 50_000, TAKES_TURNS),
        (Deployment(senders=2), 100_000, TAKES_TURNS),
        (Deployment(senders=3, campaigns=3), 200_000 * 2 / 3, TAKES_TURNS),
        (Deployment(senders=4), 100_000, SCHEDULER),
        (Deployment(senders=8, campaigns=8), 200_000, DATABASE),
        (Deployment(senders=8, campaigns=8, database_servers=2), 400_000, TAKES_TURNS),
        (Deployment(senders=16, campaigns=8, database_servers=2), 400_000, TAKES_TURNS),
        (Deployment(senders=2, calls=100, latency=0.1), 2_000, IN_FLIGHT),
        (Deployment(senders=2, machine_cores=2), 62_500, MACHINE),
    ],
)
def test_the_rate_is_the_least_of_the_bounds(
    deployment: Deployment, rate: float, bound: str
) -> None:
    prediction = predict(EVEN, deployment)
    assert prediction.rate == pytest.approx(rate)
    assert prediction.bound == bound


def test_an_instant_provider_needs_no_sends_in_flight() -> None:
    """A provider that answers at once needs no sends in flight."""
    assert bounds(EVEN, Deployment(calls=1))[IN_FLIGHT] == math.inf


@pytest.mark.parametrize("latency", [0.0, 0.01, 0.2, 1.0])
@pytest.mark.parametrize("rate", [1_000, 10_000, 100_000, 1_000_000])
def test_the_needs_of_a_rate_are_the_least_that_carry_it(rate: float, latency: float) -> None:
    """The senders that a rate needs carry it, and one less does not."""
    need = needs(EVEN, rate, latency)
    assert need.connections <= MOST_CALLS
    deployment = Deployment(
        need.senders,
        need.partitions,
        database_servers=math.ceil(need.database_cores * (1 + TOLERANCE)),
        campaigns=need.campaigns,
        calls=need.connections,
        latency=latency,
    )
    assert predict(EVEN, deployment).rate >= rate * (1 + TOLERANCE) * 0.999
    if need.senders > 1:
        fewer = replace(deployment, senders=need.senders - 1, calls=MOST_CALLS)
        found = bounds(EVEN, fewer)
        assert min(found[TAKES_TURNS], found[IN_FLIGHT]) < rate * (1 + TOLERANCE)
    assert need.calls_in_flight == pytest.approx(rate * latency)


def test_the_settings_that_the_page_names_are_the_defaults() -> None:
    text = PAGE.read_text()
    assert f"`Http.Connections` ({HttpSettings.connections:,})" in text
    assert f"`Sender.InFlight` ({SenderSettings.in_flight:,})" in text
    assert Deployment.calls == HttpSettings.connections


def test_the_tables_of_the_page_are_those_of_the_kept_costs() -> None:
    text = PAGE.read_text()
    assert {name for _, name, _ in SECTION.findall(text)} == set(TABLES)
    assert with_tables(text, POINTS) == text, "make bench SCENARIO=capacity BENCH_ARGS=--keep"


def measured(rate: float, at: str, scenario: str = "send") -> Results:
    case = CaseResult(scenario, "a case", {"rows": 1, "senders": 1, "database": "mariadb"}, [])
    for each in (rate - 1, rate, rate + 10):
        run = Run()
        run.note("rate", each, "msg/s")
        run.note("floor of the ledger", 1.0, "msg/s")
        for process in PROCESSES:
            run.note(f"processor: {process}", 5.0, "µs/msg")
        run.note(OTHERS, 0.01, "share")
        case.runs.append(run)
    return Results(at, {"cores": 2, "processor": "any"}, {"database": "MariaDB"}, [case])


def test_a_point_is_the_median_of_the_latest_measurement() -> None:
    """A point is the median of the latest measurement of its case."""
    found = points_of(
        [measured(10.0, "2026-01-02"), measured(70.0, "2026-01-01"), measured(1.0, "x", "silence")]
    )
    (point,) = latest(found)
    assert point.figures["rate"] == Figure(10.0, "msg/s")
    kept = {"rate", OTHERS, *(f"processor: {process}" for process in PROCESSES)}
    assert set(point.figures) == kept
    assert point.runs == 3


def test_other_programs_leave_less_of_the_machine() -> None:
    point = msgspec.structs.replace(
        COSTS.source, figures={**COSTS.source.figures, OTHERS: Figure(0.75, "share")}
    )
    assert deployment_of(point).machine_cores == pytest.approx(point.cores / 4)
    (check,) = checks([point])
    assert check.prediction.bound == MACHINE


def test_costs_are_of_the_largest_undisturbed_case() -> None:
    """Costs are those of the largest case during which nothing else used the machine."""
    busy = msgspec.structs.replace(
        _dearer(COSTS.source), figures={**COSTS.source.figures, OTHERS: Figure(0.5, "share")}
    )
    small = msgspec.structs.replace(
        COSTS.source,
        parameters={**COSTS.source.parameters, "rows": 1},
        figures={**COSTS.source.figures, OTHERS: Figure(0.0, "share")},
    )
    assert costs_of([busy, small, COSTS.source], "send", "mariadb") == COSTS
    with pytest.raises(LookupError):
        costs_of([busy], "http", "mariadb")


def test_new_results_are_kept_and_their_tables_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs, page = tmp_path / "costs.json", tmp_path / "capacity.md"
    page.write_text(PAGE.read_text())
    monkeypatch.setattr(command, "COSTS", costs)
    monkeypatch.setattr(command, "PAGE", page)
    write_points(POINTS, costs)
    results = tmp_path / "results.json"
    measured(123_456.0, "2026-01-02").write(results)
    done = CliRunner().invoke(capacity, [str(results), "--keep"], catch_exceptions=False)
    assert done.exit_code == 0
    assert len(read_points(costs)) == len(POINTS) + 1
    assert "123,456" in page.read_text()
    shown = CliRunner().invoke(capacity, [str(results)], catch_exceptions=False)
    assert "123,456" in shown.output
