"""Regression check of the sending rate: a short form of `send`.

The check compares the rate over the floors measured just before it, because machines differ, with
the ratio kept in `baseline.json`. A repeat may fall into a busy moment, so the check fails only if
every repeat falls short.
"""

import sys
from pathlib import Path

import click
import msgspec

from benchmarks.floors.both import BOTH, OF, RATE
from benchmarks.measuring import OTHERS, Measuring
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.scenarios.send import case

BASELINE = Path(__file__).with_name("baseline.json")

RATIO = f"{OF}{BOTH}"

TOLERATED = 0.75
"""Share of the kept ratio; the check fails if every repeat is below it."""


class Baseline(msgspec.Struct, frozen=True):
    """The kept result of the short form of `send`."""

    rows: int
    senders: int
    ratio: float
    """Rate over both floors in turn, the median of the repeats."""

    @property
    def least(self) -> float:
        """Ratio that at least one repeat has to reach."""
        return self.ratio * TOLERATED


def read_baseline(file: Path = BASELINE) -> Baseline:
    """Read the baseline that is kept in the project."""
    return msgspec.json.decode(file.read_bytes(), type=Baseline)


def has_fallen(baseline: Baseline, ratios: list[float]) -> bool:
    """Return whether every repeat falls short by a quarter."""
    return all(ratio < baseline.least for ratio in ratios)


@click.command("check")
@click.option("--keep", is_flag=True, help="Keep the new ratio instead of comparing with it.")
@measuring_options
def check(measuring: Measuring, *, keep: bool) -> None:
    """Compare a short form of `send` with the ratio that is kept in the project."""
    baseline = read_baseline()
    (result,) = measuring.measure("send", [case(baseline.rows, baseline.senders)])
    ratios = [run.figures[RATIO].value for run in result.runs]
    if keep:
        ratio = round(result.summary(RATIO).median, 3)
        BASELINE.write_bytes(
            msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(baseline, ratio=ratio)))
            + b"\n"
        )
        return
    for run in result.runs:
        click.echo(_line(run))
    click.echo(f"kept: {baseline.ratio:.2f}, of which every repeat may lose a quarter")
    if has_fallen(baseline, ratios):
        click.echo(f"slower: every repeat is below {baseline.least:.2f}", err=True)
        sys.exit(1)


def _line(run: Run) -> str:
    rate, floor, ratio = (run.figures[name].value for name in (RATE, BOTH, RATIO))
    others = run.figures[OTHERS].value
    return (
        f"{rate:,.0f} messages/s, {ratio:.2f} of the floors' {floor:,.0f};"
        f" other programs had {others:.0%} of the processor"
    )
