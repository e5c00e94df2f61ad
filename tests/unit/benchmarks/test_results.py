from pathlib import Path

import pytest

from benchmarks.report.markdown import against_targets
from benchmarks.report.page import write_page
from benchmarks.report.tables import number
from benchmarks.results import (
    CaseResult,
    Results,
    Run,
    note_latencies,
    percentile,
    rates,
    read_results,
)
from benchmarks.scenarios.recovery import note_recovery
from benchmarks.targets import TARGETS, verdict


def result(*values: float, figure: str = "rate", scenario: str = "send") -> CaseResult:
    runs = []
    for value in values:
        run = Run()
        run.note(figure, value, "msg/s")
        runs.append(run)
    parameters = {"rows": 1_000_000, "database": "mariadb"}
    return CaseResult(scenario, "a case", parameters, runs)


def test_a_figure_is_summed_up_over_the_repeats() -> None:
    summary = result(3.0, 1.0, 8.0).summary("rate")
    assert (summary.median, summary.least, summary.most) == (3.0, 1.0, 8.0)


def test_a_figure_that_nobody_noted_is_no_zero() -> None:
    with pytest.raises(KeyError):
        result(1.0).summary("another")


def test_counts_become_rates() -> None:
    counts = [(0.0, 0.0), (0.5, 100.0), (1.5, 400.0), (2.0, 400.0)]
    assert rates(counts) == [(0.5, 200.0), (1.5, 300.0), (2.0, 0.0)]
    assert rates(counts, 1.0) == [(1.5, 300.0), (2.0, 200.0)]
    assert rates([]) == []


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50.5), (0.99, 99.01), (0.999, 99.901)])
def test_percentiles(share: float, expected: float) -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, share) == pytest.approx(expected)
    assert percentile([7.0], share) == 7.0


def test_a_target_is_met_or_missed_by_the_median() -> None:
    (target,) = (each for each in TARGETS if each.applies_to(result(0.0), "rate"))
    above, below = target.bound + 1, target.bound - 1
    for values, expected in (((above, above, below), "met"), ((above, below, below), "missed")):
        case = result(*values)
        assert verdict(case, case.summary("rate")) == f"≥ {target.bound:,g} {expected}"


def test_no_target_is_about_another_size() -> None:
    case = result(1.0)
    case.parameters["rows"] = 300_000
    assert verdict(case, case.summary("rate")) == ""


@pytest.mark.parametrize(
    ("value", "shown"), [(123_456.7, "123,457"), (99.94, "99.9"), (4.56, "4.56"), (0.0, "0.00")]
)
def test_numbers_are_shown_as_long_as_needed(value: float, shown: str) -> None:
    assert number(value) == shown


def test_written_results_are_read_again_and_shown(tmp_path: Path) -> None:
    """Written results are read again and shown on a page."""
    case = result(70_001.0)
    run = case.runs[0]
    run.throughput = [(0.0, 1.0), (1.0, 2.0)]
    run.processor = {"sender-1": [(0.0, 0.5), (1.0, 0.7)], "database": [(0.0, 0.1), (1.0, 0.2)]}
    run.memory = {"sender-1": [(0.0, 80.0)]}
    note_latencies(run, "<progress>", [1.0, 2.0, 30.0])
    results = Results.begin({"cores": 2}, {"database": "MariaDB 11.4.5"})
    results.cases.append(case)
    results.write(tmp_path / "results.json")
    (read,) = read_results([tmp_path / "results.json"])
    assert read == results
    write_page(read, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "70,001" in page
    assert "MariaDB 11.4.5" in page
    assert "&lt;progress&gt;" in page
    assert page.count("data:image/svg+xml;base64,") == 4
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.parametrize(
    ("slow", "least", "most"), [((15.0, 21.0), 6.0, 8.0), ((39.0, 40.0), 0.0, 0.0)]
)
def test_recovery_takes_as_long_as_the_rate_stays_down(
    slow: tuple[float, float], least: float, most: float
) -> None:
    points, done = [(0.0, 0.0)], 0.0
    for step in range(1, 400):
        at = step / 10
        done += 10.0 if slow[0] < at <= slow[1] else 100.0
        points.append((at, done))
    run = Run()
    note_recovery(run, points, 15.0)
    assert run.figures["rate before"].value == pytest.approx(1000.0)
    # The rate is taken over two seconds, so it is back up to two seconds later.
    assert least <= run.figures["seconds to nine tenths of it"].value <= most


def test_the_table_for_documents_has_what_was_measured_last() -> None:
    earlier = Results("2026-01-01T00:00:00+00:00", {}, {}, [result(10.0)])
    later = Results("2026-01-02T00:00:00+00:00", {}, {}, [result(80_000.0)])
    heading, _, row = against_targets([later, earlier]).splitlines()
    assert heading.startswith("| scenario | figure | target |")
    assert row == (
        "| send: a case, mariadb | rate | ≥ 70,000 met (msg/s) | 80,000 | 80,000 to 80,000 | 1 |"
    )
