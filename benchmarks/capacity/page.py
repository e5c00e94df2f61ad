"""The tables of docs/operations/capacity.md, between the comments that name them."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.capacity import tables
from benchmarks.capacity.points import Point
from local_stack.distributions.cache import REPOSITORY

PAGE = REPOSITORY / "docs" / "operations" / "capacity.md"

TABLES: Mapping[str, Callable[[Sequence[Point]], str]] = {
    "costs": tables.costs_table,
    "traffic": tables.traffic_table,
    "checks": tables.checks_table,
    "carries": tables.carries_table,
    "needs": tables.needs_table,
    "latency": tables.latency_table,
}

SECTION = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(text: str, points: Sequence[Point]) -> str:
    """Return a page with its tables replaced by current ones.

    Raises:
        KeyError: it names an unknown table.
    """
    return SECTION.sub(lambda found: f"{found[1]}\n{TABLES[found[2]](points)}\n\n{found[3]}", text)


def refresh(points: Sequence[Point], page: Path) -> None:
    """Write the tables into the page."""
    page.write_text(with_tables(page.read_text(encoding="utf-8"), points), encoding="utf-8")
