"""The units and the order in which workers that share a run get the tests.

Most tests wait for processes and servers rather than compute. Each worker has servers of its own.
"""

import re
from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

CHAOS = "tests/chaos/"
MODEL = "tests/model/"
WAITING = tuple(
    f"{CHAOS}test_{name}.py::"
    for name in (
        "cut_off_senders",
        "database_servers",
        "disk_full",
        "killed_imports",
        "lost_brokers",
        "lost_records",
        "outages",
        "restored_backup",
        "stopped_senders",
        "stopped_upgrade",
        "switch_over",
        "upgrade",
    )
)
"""Tests of chaos in which a part is away for most of the time, so that everything waits for it.

They run one after the other, and may run beside one test of those that load the machine.
"""
NEVER_AT_ONCE = (CHAOS, "tests/e2e/flood/")
"""Each of the first is a whole system under load; each of the others takes all of the processor."""
ORDER = (CHAOS, "tests/e2e/", "tests/integration/", MODEL, "tests/unit/")
"""Folders with long tests first, so that no worker is left alone with them at the end."""

FLAVOUR = re.compile(r"\[(mariadb|mysql)\b")


class Scheduling(LoadScopeScheduling):
    """A scheduler that hands out tests in the order of collection, a unit at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        """Take back what a worker has left undone; return the test during which it crashed.

        xdist 3.8 hands out the finished units of a crashed worker too. Whoever gets one reports
        nothing, is given no further one and keeps its last test: the run never ends. It also runs
        the test again that has ended a worker.
        """
        units = self.assigned_work.pop(node)
        undone = [(name, test) for name, unit in units.items() for test in unit if not unit[test]]
        if not undone:
            return None
        name, crashed = undone[0]
        units[name][crashed] = True
        for name in reversed(units):
            if not all(units[name].values()):
                self.workqueue[name] = units[name]
                self.workqueue.move_to_end(name, last=False)
        for other in self.nodes:
            self._reschedule(other)
        return crashed


def unit_of(nodeid: str) -> str:
    """Name the unit of a test: the tests of its file on the same database."""
    if nodeid.startswith(WAITING):
        return WAITING[0]
    if nodeid.startswith(NEVER_AT_ONCE):
        return CHAOS
    if nodeid.startswith(MODEL):
        return nodeid
    file, _, test = nodeid.partition("::")
    flavour = FLAVOUR.search(test)
    return f"{file} on {flavour[1]}" if flavour else file


def name_apart(items: Iterable[pytest.Item]) -> None:
    """Give tests of an API's operations their own names as ids.

    schemathesis leaves them the id that they share, of which workers would run one test alone.

    Raises:
        pytest.UsageError: two tests still share one.
    """
    seen: set[str] = set()
    for item in items:
        if not item.nodeid.endswith(item.name):
            file = item.nodeid.partition("::")[0]
            item._id = item.id.parse(f"{file}::{item.name}")
        if item.nodeid in seen:
            raise pytest.UsageError(f"two tests share the id {item.nodeid}")
        seen.add(item.nodeid)


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Sort tests by their folders, each with its own order kept."""
    return sorted(items, key=lambda item: place(item.nodeid))


def place(nodeid: str) -> int:
    return next((n for n, folder in enumerate(ORDER) if nodeid.startswith(folder)), len(ORDER))
