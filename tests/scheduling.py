"""Which tests a worker gets together, and in what order, when several of them share a run.

Most tests wait for processes and servers rather than compute. Each worker has servers of its own.
"""

import re
from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling

CHAOS = "tests/chaos/"
MODEL = "tests/model/"
NEVER_AT_ONCE = (CHAOS, "tests/e2e/flood/")
"""Each of the first is a whole system under load; each of the others takes all of the processor."""
ORDER = (CHAOS, "tests/e2e/", "tests/integration/", MODEL, "tests/unit/")
"""What takes long comes first, so that no worker is left alone with it at the end."""

FLAVOUR = re.compile(r"\[(mariadb|mysql)\b")


class Scheduling(LoadScopeScheduling):
    """Hands out the tests in the order in which they were collected, a unit at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """Name what a test is handed out with: the tests of its file on the same database."""
    if nodeid.startswith(NEVER_AT_ONCE):
        return CHAOS
    if nodeid.startswith(MODEL):
        return nodeid
    file, _, test = nodeid.partition("::")
    flavour = FLAVOUR.search(test)
    return f"{file} on {flavour[1]}" if flavour else file


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Sort tests by their folders, each with its own order kept."""
    return sorted(items, key=lambda item: place(item.nodeid))


def place(nodeid: str) -> int:
    return next((n for n, folder in enumerate(ORDER) if nodeid.startswith(folder)), len(ORDER))
