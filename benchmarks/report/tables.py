"""Results on a terminal."""

from rich.table import Table

from benchmarks.results import CaseResult, Summary
from benchmarks.targets import verdict


def case_table(result: CaseResult) -> Table:
    """Lay out one case: median, least and most of every figure, and its target where it has one."""
    runs = len(result.runs)
    table = Table(title=f"{result.scenario}: {result.case}, {runs} run{'s' if runs > 1 else ''}")
    table.add_column("figure")
    for heading in ("median", "min", "max", "unit", "target"):
        table.add_column(heading, justify="right")
    for summary in result.summaries():
        table.add_row(*cells(summary), verdict(result, summary))
    return table


def cells(summary: Summary) -> tuple[str, ...]:
    """Format a figure and its spread."""
    numbers = (summary.median, summary.least, summary.most)
    return (summary.name, *(number(value) for value in numbers), summary.unit)


def number(value: float) -> str:
    """Format with three significant digits at least, and no more than are needed."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
