"""The repeats of a scenario's cases, shown while they run and written down as they end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import machine
from benchmarks.machine import OtherPrograms
from benchmarks.report.page import write_page
from benchmarks.report.tables import case_table
from benchmarks.results import CaseResult, Results, Run
from benchmarks.site import DATABASE, ServerChoice, Site, site
from local_stack.servers.kafka import KAFKA

RESULTS, PAGE = "results.json", "report.html"

OTHERS = "other programs' share of the processor"

Show = Callable[[str, float, float], None]
"""Callback with the current activity, the amount done and the total."""


@dataclass(frozen=True)
class Case:
    """One way to run a scenario: `measure` runs it once on a site that all repeats share."""

    label: str
    measure: Callable[[Site, Show], Run]
    parameters: dict[str, Any] = field(default_factory=dict)
    runs: int | None = None
    """Number of repeats; None: as the command line says."""


class Measuring:
    """A run of cases, whose results are kept in a folder."""

    def __init__(self, choice: ServerChoice, runs: int, folder: Path) -> None:
        self.choice = choice
        self.folder = folder
        self.console = Console(width=None if Console().is_terminal else 120)
        self._runs = runs
        self._results: Results | None = None

    def measure(
        self, scenario: str, cases: Sequence[Case], choice: ServerChoice | None = None
    ) -> list[CaseResult]:
        """Run each case several times, and write table, JSON and page after each.

        `choice` replaces the usual servers.
        """
        measured = []
        for case in cases:
            with site(choice or self.choice) as made:
                results = self._results_on(made)
                result = CaseResult(scenario, case.label, self._parameters(case, made), [])
                results.cases.append(result)
                for repeat in range(1, (case.runs or self._runs) + 1):
                    with self._progress(f"{scenario}: {case.label}, run {repeat}") as show:
                        others = OtherPrograms()
                        run = case.measure(made, show)
                        run.note(OTHERS, others.share(), "share")
                    result.runs.append(run)
                    # After each repeat, so that a benchmark that is stopped keeps its results.
                    self.folder.mkdir(parents=True, exist_ok=True)
                    results.write(self.folder / RESULTS)
            measured.append(result)
            self.console.print(case_table(result))
            write_page(results, self.folder / PAGE)
            self.console.print(f"written to {self.folder}", soft_wrap=True)
        return measured

    @staticmethod
    def _parameters(case: Case, made: Site) -> dict[str, Any]:
        database = made.versions()[DATABASE].partition(" ")[0].lower()
        return {**case.parameters, "database": database}

    def _results_on(self, made: Site) -> Results:
        if self._results is None:
            servers = made.versions()
            if self.choice.brokers is None:
                servers["broker"] = f"Kafka {KAFKA}"
            self._results = Results.begin(machine.describe(), servers)
        return self._results

    @contextmanager
    def _progress(self, title: str) -> Iterator[Show]:
        """Show one run: a bar on a terminal, one line elsewhere."""
        if not self.console.is_terminal:
            self.console.print(title)
            yield lambda *_: None
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[step]}"),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(title, total=1, step="")

            def show(step: str, done: float, total: float) -> None:
                progress.update(task, step=step, completed=done, total=total)

            yield show
