"""Results as plots: SVG, drawn without a display."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import CaseResult, Points, percentile

SIZE = (8.0, 3.2)
"""Inches."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "camp-mgr",  # the same figures make the same file
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

SHARES = (0.5, 0.9, 0.95, 0.99, 0.999)

SECONDS = "seconds"


def plots(result: CaseResult) -> Iterable[tuple[str, bytes]]:
    """Draw the plots of a case: titles and SVG files."""
    if any(run.throughput for run in result.runs):
        named = {f"run {n}": run.throughput for n, run in enumerate(result.runs, 1)}
        yield "Throughput over time", lines(named, "messages/s")
    middle = result.runs[len(result.runs) // 2]
    if any(run.latencies for run in result.runs):
        yield "Latency percentiles, all runs", _percentiles(_all_latencies(result))
    if middle.processor:
        yield "Processor time by process, one run", stacked(middle.processor, "cores")
    if middle.memory:
        yield "Memory over time, one run", lines(middle.memory, "resident MB")


def lines(series: Mapping[str, Points], unit: str, *, steps: bool = False) -> bytes:
    """Draw series of values over time, one line for each."""
    with rc_context(STYLE):
        figure, axes = _axes(SECONDS, unit)
        for name, points in series.items():
            at, values = zip(*points, strict=True) if points else ((), ())
            axes.plot(at, values, label=name, linewidth=1.2, drawstyle=_drawn(steps=steps))
        axes.set_ylim(bottom=0)
        _legend(axes)
        return svg(figure)


def stacked(series: Mapping[str, Points], unit: str) -> bytes:
    """Draw values over time on top of each other, all sampled at the same moments."""
    with rc_context(STYLE):
        figure, axes = _axes(SECONDS, unit)
        drawn = {name: points for name, points in series.items() if points}
        length = min((len(points) for points in drawn.values()), default=0)
        at = [moment for moment, _ in next(iter(drawn.values()), [])][:length]
        values = [[value for _, value in points[:length]] for points in drawn.values()]
        axes.stackplot(at, values, labels=list(drawn), alpha=0.8)
        _legend(axes)
        return svg(figure)


def svg(figure: Figure) -> bytes:
    """Draw a figure into a file."""
    file = BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return file.getvalue()


def _percentiles(latencies: Mapping[str, Sequence[float]]) -> bytes:
    with rc_context(STYLE):
        figure, axes = _axes("percentile", "milliseconds")
        ticks = range(len(SHARES))
        for name, values in latencies.items():
            axes.plot(ticks, [percentile(values, s) for s in SHARES], "o-", label=name)
        axes.set_xticks(list(ticks), [f"p{share * 100:g}" for share in SHARES])
        axes.set_ylim(bottom=0)
        _legend(axes)
        return svg(figure)


def _all_latencies(result: CaseResult) -> dict[str, list[float]]:
    together: dict[str, list[float]] = {}
    for run in result.runs:
        for name, values in run.latencies.items():
            together.setdefault(name, []).extend(values)
    return {name: values for name, values in together.items() if values}


def _axes(across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def _drawn(*, steps: bool) -> str:
    return "steps-post" if steps else "default"


def _legend(axes: Axes) -> None:
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
