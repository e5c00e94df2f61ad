"""The figures that have a target, as a table for a document."""

from collections.abc import Iterable

from benchmarks.report.tables import number
from benchmarks.results import CaseResult, Results
from benchmarks.targets import verdict

HEADINGS = ("scenario", "figure", "target", "median", "min to max", "runs")


def against_targets(measured: Iterable[Results]) -> str:
    """Lay out every figure that has a target; a later measurement replaces an earlier one."""
    latest: dict[tuple[str, str, str], str] = {}
    for results in sorted(measured, key=lambda each: each.measured_at):
        for case in results.cases:
            for figure, row in _rows(case):
                latest[case.scenario, case.case, figure] = row
    return "\n".join((_row(HEADINGS), _row(["---"] * len(HEADINGS)), *latest.values()))


def _rows(case: CaseResult) -> Iterable[tuple[str, str]]:
    for summary in case.summaries():
        if said := verdict(case, summary):
            yield (
                summary.name,
                _row(
                    (
                        f"{case.scenario}: {case.case}, {case.parameters['database']}",
                        summary.name,
                        f"{said} ({summary.unit})",
                        number(summary.median),
                        f"{number(summary.least)} to {number(summary.most)}",
                        str(len(case.runs)),
                    )
                ),
            )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
