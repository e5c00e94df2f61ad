"""The results of the rehearsal on a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from benchmarks.results import Points
from benchmarks.scaling.rule import Rule
from benchmarks.scaling.settling import Accounts
from benchmarks.scaling.watching import History


def ended_well(history: History, accounts: Accounts, rule: Rule) -> bool:
    """Return whether the senders scaled all the way up and down, and all were called once."""
    return (
        max(_values(history.working)) == rule.most
        and history.working[-1][1] == history.wanted[-1][1] == rule.least
        and not accounts.lost
        and not accounts.duplicates
    )


def print_summary(console: Console, history: History, accounts: Accounts, hasten: float) -> None:
    """Print every decision of the autoscaler, and the sums."""
    table = Table("second", "lag", "senders", title="Decisions of the autoscaler")
    for at, lag, before, after in changes(history):
        table.add_row(f"{at:.0f}", f"{lag:,.0f}", f"{before:.0f} to {after:.0f}")
    console.print(table)
    working = _values(history.working)
    rows = {
        "the autoscaler's clock": f"{hasten:g} times as fast as in the manifest",
        "campaigns": f"{accounts.campaigns:,}",
        "messages sent": f"{accounts.sent:,}",
        "lost": f"{accounts.lost:,}",
        "duplicate sends": f"{accounts.duplicates:,}",
        "senders with partitions: first, most, last": (
            f"{working[0]:.0f}, {max(working):.0f}, {working[-1]:.0f}"
        ),
        "largest lag": f"{max(_values(history.lag)):,.0f}",
        "most sends in flight": f"{max(_values(history.calls)):,.0f}",
        "seconds": f"{history.lag[-1][0]:.0f}",
    }
    table = Table("", "", title="Scaling rehearsal", show_header=False)
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def changes(history: History) -> Iterator[tuple[float, float, float, float]]:
    """Yield each change of the number of senders: time, lag, number before, number after."""
    before = history.wanted[0][1]
    for (at, wanted), (_, lag) in zip(history.wanted, history.polled, strict=True):
        if wanted != before:
            yield at, lag, before, wanted
        before = wanted


def _values(points: Points) -> list[float]:
    return [value for _, value in points]
