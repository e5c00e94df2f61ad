"""Two ways to send, compared in turns: each repeat sends both ways, another one first.

A machine that is shared changes its speed within minutes. Neighbouring runs share it.
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from benchmarks.floors.both import COST, MESSAGES, RATE, SHARE
from benchmarks.measuring import Case, Show
from benchmarks.results import Run
from benchmarks.site import Site

Send = Callable[[Site, Show], Run]
"""Sends once; the figures `RATE` and `SENDER` are compared."""

SENDER = "processor: sender"
UNITS = {RATE: MESSAGES, SENDER: COST}


def alternated(
    label: str, base: tuple[str, Send], other: tuple[str, Send], parameters: Mapping[str, Any]
) -> Case:
    """Make a case whose figures are those of both ways by their names, and other / base."""
    repeats = count()

    def measure(site: Site, show: Show) -> Run:
        ways = [base, other] if next(repeats) % 2 == 0 else [other, base]
        runs = {name: send(site, show) for name, send in ways}
        return compared(runs[base[0]], runs[other[0]], base[0], other[0])

    return Case(label, measure, dict(parameters))


def compared(base: Run, other: Run, base_name: str, other_name: str) -> Run:
    """Put the figures of two runs side by side, with the ratios of those that are compared."""
    run = Run()
    for figure, unit in UNITS.items():
        if figure in base.figures and figure in other.figures:
            first, second = base.figures[figure].value, other.figures[figure].value
            run.note(f"{figure}, {base_name}", first, unit)
            run.note(f"{figure}, {other_name}", second, unit)
            run.note(f"{figure}, {other_name} / {base_name}", second / first, SHARE)
    return run
