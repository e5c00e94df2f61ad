"""Resident memory of each service while a large campaign is imported, fanned out and sent.

    PYTHONPATH=deploy .venv/bin/python benchmarks/footprint.py --recipients 1000000

Starts a local stack of its own. Ends with exit code 1 when a service held more than its bound.
"""

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import click
import psutil
from rich.console import Console
from rich.table import Table

from local_stack.demo.campaign import create_campaign, read_progress, write_recipients
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.scratch import scratch_folder
from local_stack.services import Plan, running_services
from local_stack.stack import Stack

BOUNDS_MB = {"campaign-api": 150, "campaign-scheduler": 150, "campaign-sender-1": 200}
"""Megabytes (2^20 bytes) that one process of a service may hold."""

SAMPLE_SECONDS = 0.1


class PeakMemory:
    """Samples the resident set of each service's largest process; a context manager."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        self.megabytes = dict.fromkeys(processes, 0.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            for name, process in self._processes.items():
                family = [process, *process.children(recursive=True)]
                held = max(member.memory_info().rss for member in family) / 2**20
                self.megabytes[name] = max(self.megabytes[name], held)


@click.command()
@click.option("--recipients", default=1_000_000, show_default=True)
@click.option("--database", type=click.Choice(["mariadb", "mysql"]), default="mariadb")
def main(recipients: int, database: str) -> None:
    """Measure the peak resident memory of every service over one campaign."""
    console = Console()
    with scratch_folder("footprint") as folder:
        csv_root = folder / "csv"
        csv_root.mkdir()
        write_recipients(csv_root, recipients)
        plan = Plan(port=free_port(), senders=1, csv_root=csv_root)
        cache = Cache.from_environment()
        with (
            Stack(folder, cache, flavour="mysql" if database == "mysql" else "mariadb") as stack,
            running_services(stack.addresses, plan) as services,
            PeakMemory(services.processes) as peak,
        ):
            began = time.monotonic()
            create_campaign(services.url)
            imported = time.monotonic() - began
            while (progress := read_progress(services.url)) and progress.state != "finished":
                time.sleep(0.5)
            finished = time.monotonic() - began
    console.print(
        f"{recipients:,} recipients on {database}: imported in {imported:.1f} s "
        f"({recipients / imported:,.0f} rows/s), finished after {finished:.1f} s"
    )
    console.print(_table(peak.megabytes))
    if any(peak.megabytes[name] > bound for name, bound in BOUNDS_MB.items()):
        raise SystemExit(1)


def _table(megabytes: Mapping[str, float]) -> Table:
    table = Table("service", "peak resident MB", "bound MB")
    for name, held in megabytes.items():
        table.add_row(name, f"{held:.0f}", str(BOUNDS_MB.get(name, "")))
    return table


if __name__ == "__main__":
    main()
