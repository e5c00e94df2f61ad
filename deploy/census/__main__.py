"""Prints the census (`make census`), or compares it with the limits (`--check`)."""

import argparse
import sys
import tomllib
from collections.abc import Mapping

from census.counts import lines_by_package, take_census
from census.sources import REPOSITORY, read_modules, read_tests

LIMITS = ("tool", "census")
"""The table of pyproject.toml that says how many places there may be of each kind."""


def main() -> int:
    """Count, print, and return the exit code: 1 where a count is not its limit."""
    parser = argparse.ArgumentParser(prog="census", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a count is not its limit")
    only_check = parser.parse_args().check
    modules = read_modules()
    census = take_census(modules, read_tests())
    totals, limits = census.totals(), _limits()
    wrong = [kind for kind, count in totals.items() if count != limits[kind]]
    for kind, places in vars(census).items():
        if kind in wrong or not only_check:
            print(f"{kind}: {totals[kind]} (pyproject.toml says {limits[kind]})")
            print("\n".join(f"  {place}" for place in places))
    if only_check:
        return 1 if wrong else 0
    for package, (files, lines) in lines_by_package(modules).items():
        print(f"{package}: {files} files, {lines:,} lines")
    return 0


def _limits() -> Mapping[str, int]:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        table = tomllib.load(file)
    for key in LIMITS:
        table = table[key]
    return table


if __name__ == "__main__":
    sys.exit(main())
