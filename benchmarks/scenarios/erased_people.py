"""Imports with nobody erased and with many: the same file, in turns."""

import os
from collections.abc import Mapping
from itertools import count
from typing import Any

import click

from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.recipients import write_recipients
from benchmarks.results import Run
from benchmarks.scenarios.imports import COST, ROWS, WAYS, import_once
from benchmarks.site import Site
from campaign_common.domain.erasure.erasure_key import ErasureKey

SECRET = "0" * 64
SETTINGS: Mapping[str, Any] = {"Erasure": {"Keys": [{"Value": SECRET}]}}

NOBODY, MANY = "nobody erased", "many erased"
FIGURES = {"rate": ROWS, "processor: api": COST, "processor: database": COST}

AT_ONCE = 10_000


@click.command("import-erased")
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--erased", default=100_000, show_default=True)
@measuring_options
def import_erased(measuring: Measuring, rows: int, erased: int) -> None:
    """Import a list by path with nobody and with many people erased, in turns."""
    measuring.measure("import-erased", [case(rows, erased)])


def case(rows: int, erased: int) -> Case:
    """Make the case, whose figures are those of both and many / nobody."""
    repeats = count()

    def measure(site: Site, _: Show) -> Run:
        file = site.csv_root / "list.csv"
        if not file.exists():
            write_recipients(file, rows)
        order = [(NOBODY, 0), (MANY, erased)]
        if next(repeats) % 2:
            order.reverse()
        runs: dict[str, Run] = {}
        for name, people in order:
            _empty(site)
            _erase(site, people)
            runs[name] = Run()
            import_once(site, runs[name], next(iter(WAYS)), rows, SETTINGS)
        return _compared(runs)

    return Case(f"{rows:,} rows, {erased:,} erased", measure, {"rows": rows, "erased": erased})


def _compared(runs: Mapping[str, Run]) -> Run:
    run = Run()
    for figure, unit in FIGURES.items():
        values = {name: each.figures[figure].value for name, each in runs.items()}
        for name, value in values.items():
            run.note(f"{figure}, {name}", value, unit)
        run.note(f"{figure}, {MANY} / {NOBODY}", values[MANY] / values[NOBODY], "ratio")
    return run


def _empty(site: Site) -> None:
    """Begin with no list: each import finds the same tables."""
    with site.connection() as cursor:
        for table in ("recipients", "recipient_lists"):
            cursor.execute(f"TRUNCATE {table}")


def _erase(site: Site, people: int) -> None:
    """Leave the hashes of so many people, none of whom is in the file."""
    key = ErasureKey(SECRET)
    with site.connection() as cursor:
        cursor.execute("DELETE FROM erased_people")
        for _ in range(0, people, AT_ONCE):
            rows = [(key.id, os.urandom(8)) for _ in range(min(AT_ONCE, people))]
            cursor.executemany(
                "INSERT INTO erased_people (key_id, person_hash, erased_at)"
                " VALUES (%s, %s, NOW(6))",
                rows,
            )
        cursor.execute(
            "UPDATE erased_people_position"
            " SET last_id = (SELECT COALESCE(MAX(id), 0) FROM erased_people)"
        )
