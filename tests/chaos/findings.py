"""Transport of the tests' findings to the table at the end of the run.

Several workers may share the tests of a run. Their findings reach the process that prints the
summary with the reports of the tests.
"""

from collections.abc import Iterable
from dataclasses import asdict

import pytest

from tests.chaos.report import Finding, table

PROPERTY = "finding"


def hand_over(item: pytest.Item, findings: Iterable[Finding]) -> None:
    """Give the findings of a test to its report."""
    item.user_properties.extend((PROPERTY, asdict(finding)) for finding in findings)


class Findings:
    """A plugin that collects them and prints the table."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._found: list[tuple[tuple[str, int, str], Finding]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":  # the last report has everything
            file, line, name = report.location
            self._found += [
                ((file, line or 0, name), Finding(**value))
                for key, value in report.user_properties
                if key == PROPERTY and isinstance(value, dict)
            ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._found:
            terminalreporter.section(f"chaos, seed {self._seed}")
            in_order = sorted(self._found, key=lambda found: found[0])  # of the tests' own places
            for line in table([finding for _, finding in in_order]):
                terminalreporter.line(line)
