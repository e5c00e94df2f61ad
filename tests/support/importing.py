"""The order in which workers that share a run import the modules of tests.

Each needs all of them, and whoever imports one first compiles it for the others: where nothing
is compiled yet, that is half of the collection.
"""

from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest


def import_apart(config: pytest.Config) -> None:
    """Import all modules of tests, each worker beginning at another one.

    A module that fails is left to the collection, which says why.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    number = int(worker["workerid"].removeprefix("gw"))
    files = sorted(file for path in config.args for file in Path(path).rglob("test_*.py"))
    for file in turned(files, number, worker["workercount"]):
        with suppress(Exception):
            import_module(".".join(file.with_suffix("").parts))


def turned(files: Sequence[Path], number: int, count: int) -> list[Path]:
    """Return the files from the share of one of `count` workers on, then those before it."""
    begin = len(files) * number // count
    return [*files[begin:], *files[:begin]]
