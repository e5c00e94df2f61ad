"""The demo's output: a live progress bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from local_stack.demo.balance import Ledger, ReportedProgress

_LINE_SECONDS = 1.0

Show = Callable[[ReportedProgress], None]


@contextmanager
def progress_display(console: Console, recipients: int) -> Iterator[Show]:
    """Provide a function to call with every new progress."""
    if not console.is_terminal:
        yield _plain_lines(console, recipients)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=console) as bar:
        task = bar.add_task("sending", total=recipients, rate="")

        def show(progress: ReportedProgress) -> None:
            bar.update(task, completed=progress.ended, rate=_rate(progress))

        yield show


def print_balance(
    console: Console, recipients: int, progress: ReportedProgress, ledger: Ledger
) -> None:
    """Print the recipients by outcome, beside the ledger's rows."""
    table = Table(title="Balance", show_footer=True)
    balanced = progress.ended + progress.pending == recipients == ledger.total
    table.add_column("", footer="adds up" if balanced else "DOES NOT ADD UP")
    table.add_column("campaign", justify="right", footer=f"{progress.ended + progress.pending:,}")
    table.add_column("ledger rows", justify="right", footer=f"{ledger.total:,}")
    table.add_row("recipients in the file", f"{recipients:,}", "", end_section=True)
    for word, count in progress.outcomes.items():
        table.add_row(word, f"{count:,}", f"{ledger.rows[word]:,}" if word in ledger.rows else "")
    table.add_row("other outcomes", "", f"{ledger.rows['other']:,}")
    table.add_row("pending", f"{progress.pending:,}", "")
    console.print(table)


def _plain_lines(console: Console, recipients: int) -> Show:
    next_line = time.monotonic()
    shown = -1

    def show(progress: ReportedProgress) -> None:
        nonlocal next_line, shown
        complete = progress.ended >= recipients and shown != progress.ended
        if time.monotonic() < next_line and not complete:
            return
        next_line = time.monotonic() + _LINE_SECONDS
        shown = progress.ended
        parts = [f"{progress.ended:,} of {recipients:,}", _rate(progress), _time_left(progress)]
        console.print(", ".join(part for part in parts if part))

    return show


def _rate(progress: ReportedProgress) -> str:
    return f"{progress.rate:,.0f}/s" if progress.rate else ""


def _time_left(progress: ReportedProgress) -> str:
    if not progress.rate or not progress.pending:
        return ""
    return f"{progress.pending / progress.rate:.0f} s left"
