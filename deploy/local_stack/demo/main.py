"""The demo from an empty folder to the printed balance."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from local_stack.demo.balance import ReportedProgress, database_clock, discrepancies, read_ledger
from local_stack.demo.campaign import (
    CAMPAIGN_ID,
    create_campaign,
    read_progress,
    write_recipients,
)
from local_stack.demo.display import print_balance, progress_display
from local_stack.distributions.cache import REPOSITORY, Cache
from local_stack.errors import DemoError, StackError
from local_stack.ports import free_port
from local_stack.scratch import scratch_folder
from local_stack.services import ServiceOptions, Services, running_services
from local_stack.stack import Stack

_POLL_SECONDS = 0.25
_STANDSTILL_SECONDS = 60
_FAILURE_LOGS = REPOSITORY / ".local" / "failed-demo"
_OVER = ("finished", "cancelled", "failed")


def demo(recipients: int, port: int, senders: int) -> None:
    """Send one campaign and account for every recipient.

    Raises:
        DemoError: a recipient is unaccounted for, or nothing moved for a minute.
        StackError: something did not start, or ended unexpectedly.
    """
    console = Console()
    with scratch_folder("demo") as folder, _logs_kept_on_failure(folder):
        csv_root = folder / "csv"
        csv_root.mkdir()
        write_recipients(csv_root, recipients)
        options = ServiceOptions(port=port or free_port(), senders=senders, csv_root=csv_root)
        console.print("starting Kafka and the database (the first time fetches them) ...")
        with Stack(folder, Cache.from_environment(), private=True) as stack:
            console.print("starting API, scheduler and sender ...")
            with running_services(stack.addresses, options) as services:
                _send_and_account(console, recipients, stack, services)


def _send_and_account(console: Console, recipients: int, stack: Stack, services: Services) -> None:
    database = stack.database
    requested_at = database_clock(database)
    started = time.monotonic()
    console.print(f"POST {services.url}/v1/camp/create: {recipients:,} recipients, due now")
    create_campaign(services.url, services.headers)
    import_seconds = time.monotonic() - started
    progress = _watch(console, recipients, stack, services)
    ledger = read_ledger(database, CAMPAIGN_ID)
    print_balance(console, recipients, progress, ledger)
    wrong = discrepancies(recipients, progress, ledger)
    if wrong:
        raise DemoError("not accounted for: " + "; ".join(wrong))
    seconds = ((ledger.last_row_at or requested_at) - requested_at).total_seconds()
    console.print(
        f"imported in {import_seconds:.1f} s; {recipients:,} recipients from the request to the "
        f"last ledger row in {seconds:.1f} s: {recipients / seconds:,.0f} recipients/s",
        soft_wrap=True,
    )


def _watch(console: Console, recipients: int, stack: Stack, services: Services) -> ReportedProgress:
    """Show the progress until the campaign is over, and restart processes that have ended."""
    with progress_display(console, recipients) as show:
        progress = _first_progress(services)
        moved = time.monotonic()
        while progress.state not in _OVER:
            show(progress)
            time.sleep(_POLL_SECONDS)
            for what in stack.revive() + services.revive():
                console.print(f"{what}, started again")
            earlier, progress = progress, read_progress(services.url, services.headers) or progress
            if (progress.state, progress.counts) != (earlier.state, earlier.counts):
                moved = time.monotonic()
            if time.monotonic() - moved > _STANDSTILL_SECONDS:
                raise DemoError(
                    f"nothing moved for {_STANDSTILL_SECONDS} s: the campaign is "
                    f"{progress.state} with {progress.pending:,} of {recipients:,} pending"
                )
        show(progress)
    return progress


def _first_progress(services: Services) -> ReportedProgress:
    """Wait for the first progress; the campaign exists, because its creation succeeded."""
    for _ in range(int(_STANDSTILL_SECONDS / _POLL_SECONDS)):
        progress = read_progress(services.url, services.headers)
        if progress is not None:
            return progress
        time.sleep(_POLL_SECONDS)
    raise DemoError(f"the API has not answered for {_STANDSTILL_SECONDS} s")


@contextmanager
def _logs_kept_on_failure(folder: Path) -> Iterator[None]:
    """Copy the logs of a failed demo to a folder that outlives the demo's own."""
    try:
        yield
    except StackError as error:
        shutil.rmtree(_FAILURE_LOGS, ignore_errors=True)
        for log in folder.rglob("*.log"):
            _FAILURE_LOGS.mkdir(parents=True, exist_ok=True)
            shutil.copy(log, _FAILURE_LOGS)
        error.add_note(f"the logs are in {_FAILURE_LOGS}")
        raise
