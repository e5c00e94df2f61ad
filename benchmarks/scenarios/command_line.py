"""The time of `campaign --help`, as a ratio to that of an interpreter which does nothing.

`--help` and the completion of a shell import the command line alone. Each round starts every
command once, so that a machine that is busy is so for all of them.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import click

CAMPAIGN = str(Path(sys.executable).with_name("campaign"))

BARE = "python"
COMMANDS: dict[str, Sequence[str]] = {
    BARE: (sys.executable, "-c", ""),
    "python, import click": (sys.executable, "-c", "import click"),
    "campaign --help": (CAMPAIGN, "--help"),
    "campaign list --help": (CAMPAIGN, "list", "--help"),
    "campaign webhooks --help": (CAMPAIGN, "webhooks", "--help"),
}


@click.command("command-line")
@click.option("--rounds", default=20, show_default=True, help="Starts of each command.")
def command_line(rounds: int) -> None:
    """Measure how long `campaign --help` takes; starts no server."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            taken[name].append(_milliseconds(command))
    bare = median(taken[BARE])
    for name, times in taken.items():
        middle = median(times)
        click.echo(f"{name:<25} {middle:6.0f} ms, {middle / bare:4.1f} times an empty program")


def _milliseconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000
