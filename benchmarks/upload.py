"""Speed and memory of imports: by HTTP as a plain body and as a form, and of a file by its path.

    PYTHONPATH=deploy .venv/bin/python benchmarks/upload.py --recipients 1000000

Starts a local stack of its own, and the services anew for each way. Ends with exit code 1 when
an upload was slower, or the API's worker larger, than its bound.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import click
import psutil
import requests
from footprint import PeakMemory
from rich.console import Console
from rich.table import Table

from local_stack.demo.campaign import CSV_NAME, write_recipients
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.scratch import scratch_folder
from local_stack.services import Plan, running_services
from local_stack.stack import Stack

LEAST_ROWS_PER_SECOND = 60_000
MOST_MEGABYTES = 150
"""Megabytes (2^20 bytes) that one process of the API may hold."""

ANSWER_SECONDS = 1800
MUCH_LATER = 10 * 365 * 24 * 3600
BOUNDARY = "benchmark"

API = "campaign-api"


class Import(NamedTuple):
    """How one import went."""

    seconds: float
    cpu_seconds: float
    """Of all processes of the API: what a busy machine changes less than the seconds."""
    megabytes: float


def upload_plain(url: str, file: Path) -> None:
    """Send the file as the body."""
    response = requests.post(
        f"{url}/v1/recipient-lists",
        params={"name": "plain"},
        data=file.read_bytes(),
        headers={"Content-Type": "text/csv"},
        timeout=ANSWER_SECONDS,
    )
    _require(response, 201)


def upload_form(url: str, file: Path) -> None:
    """Send the file as a part of a form."""
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="name"\r\n\r\nform\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
    ).encode() + file.read_bytes()
    response = requests.post(
        f"{url}/v1/recipient-lists",
        data=body + f"\r\n--{BOUNDARY}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        timeout=ANSWER_SECONDS,
    )
    _require(response, 201)


def create_by_path(url: str, file: Path) -> None:
    """Let the API read the file itself, for a campaign that does not start yet."""
    body = {
        "campaign_name": "path",
        "campaign_id": 1,
        "message_template": "hi {name}",
        "scheduled_time": int(time.time()) + MUCH_LATER,
        "csv_file_path": file.name,
    }
    response = requests.post(f"{url}/v1/camp/create", json=body, timeout=ANSWER_SECONDS)
    _require(response, 200)


WAYS: Mapping[str, Callable[[str, Path], None]] = {
    "by path": create_by_path,
    "HTTP, text/csv": upload_plain,
    "HTTP, multipart": upload_form,
}


@click.command()
@click.option("--recipients", default=1_000_000, show_default=True)
@click.option("--database", type=click.Choice(["mariadb", "mysql"]), default="mariadb")
def main(recipients: int, database: str) -> None:
    """Measure rows per second and the peak resident memory of the API, for each way."""
    with scratch_folder("upload") as folder:
        csv_root = folder / "csv"
        csv_root.mkdir()
        write_recipients(csv_root, recipients)
        cache = Cache.from_environment()
        with Stack(folder, cache, flavour="mysql" if database == "mysql" else "mariadb") as stack:
            imports = {way: _measure(stack, csv_root / CSV_NAME, run) for way, run in WAYS.items()}
    Console().print(_table(recipients, database, imports))
    uploads = [each for way, each in imports.items() if way != "by path"]
    too_slow = any(recipients / each.seconds < LEAST_ROWS_PER_SECOND for each in uploads)
    if too_slow or any(each.megabytes > MOST_MEGABYTES for each in uploads):
        raise SystemExit(1)


def _measure(stack: Stack, file: Path, run: Callable[[str, Path], None]) -> Import:
    plan = Plan(port=free_port(), senders=1, csv_root=file.parent)
    with (
        running_services(stack.addresses, plan) as services,
        PeakMemory({API: services.processes[API]}) as peak,
    ):
        api = services.processes[API]
        began, cpu_before = time.monotonic(), _cpu_seconds(api)
        run(services.url, file)
        seconds, cpu_seconds = time.monotonic() - began, _cpu_seconds(api) - cpu_before
    return Import(seconds, cpu_seconds, peak.megabytes[API])


def _cpu_seconds(pid: int) -> float:
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _require(response: requests.Response, status: int) -> None:
    if response.status_code != status:
        raise SystemExit(f"refused ({response.status_code}): {response.text}")


def _table(recipients: int, database: str, imports: Mapping[str, Import]) -> Table:
    table = Table(
        "import",
        "rows/s",
        "seconds",
        "CPU seconds of the API",
        "peak resident MB of a process",
        title=f"{recipients:,} rows on {database}; bounds of an upload: at least "
        f"{LEAST_ROWS_PER_SECOND:,} rows/s, at most {MOST_MEGABYTES} MB",
    )
    for way, each in imports.items():
        rate = recipients / each.seconds
        table.add_row(
            way,
            f"{rate:,.0f}",
            f"{each.seconds:.1f}",
            f"{each.cpu_seconds:.1f}",
            f"{each.megabytes:.0f}",
        )
    return table


if __name__ == "__main__":
    main()
