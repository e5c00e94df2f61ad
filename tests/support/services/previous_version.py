"""An earlier version, run from its wheel as processes beside those of the current one."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from tests.support.services.processes import Process, stopped_in_order

WHEELS = Path(__file__).parents[2] / "upgrade"

BEFORE_THE_STOP = "0.1.0"
"""The version from which an upgrade needs a stop."""

NEIGHBOUR = "0.2.0"
"""The version that works side by side with this one."""


class PreviousVersion:
    """The wheel of a version, unpacked; it runs with the dependencies of this version."""

    def __init__(self, folder: Path, version: str) -> None:
        wheel = WHEELS / f"camp_mgr-{version}-py3-none-any.whl"
        self._folder = folder / "previous"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self._folder)
        (scripts,) = self._folder.glob("*.dist-info/entry_points.txt")
        lines = [line for line in scripts.read_text().splitlines() if " = " in line]
        self._programs: Mapping[str, str] = dict(line.split(" = ") for line in lines)

    def command(self, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [*self._start(program), *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=self.environment,
        )

    @contextmanager
    def running(self, program: str, config: Path) -> Iterator[Process]:
        """Run a service, logging beside its configuration, until it is stopped in order."""
        with (config.parent / f"previous-{program}-{token_hex(2)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*self._start(program), "-c", config],
                stdout=log,
                stderr=log,
                env=self.environment,
            )
        with stopped_in_order(process):
            yield process

    def _start(self, program: str) -> list[str]:
        module, _, function = self._programs[program].partition(":")
        code = f"import sys; from {module} import {function}; sys.argv[0] = '{program}'"
        return [sys.executable, "-c", f"{code}; {function}()"]

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which Python imports that version."""
        return {**os.environ, "PYTHONPATH": str(self._folder)}
