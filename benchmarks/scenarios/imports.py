"""Imports: of a file by its path, and by HTTP as a plain body and as a form."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click
import requests

from benchmarks.floors.bare_loop import BareLoop
from benchmarks.floors.recipients import recipients_loop
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.recipients import write_recipients
from benchmarks.results import Run
from benchmarks.sampling import grouped, sampled
from benchmarks.scenarios.sending import LIST_CAMPAIGN
from benchmarks.site import Site
from benchmarks.system import ANSWER_SECONDS, System

PIECE = 2**20
BOUNDARY = "benchmark"

ROWS, COST = "rows/s", "µs/row"

FLOOR = "floor of the import"

GROUPS = ("api", "database")


def by_path(system: System, file: Path) -> None:
    """Let the API read the file itself, for a campaign that does not start yet."""
    system.import_by_path(file, LIST_CAMPAIGN)


def by_body(system: System, file: Path) -> None:
    """Send the file as the body."""
    _upload(system, pieces(file), "text/csv", {"name": "benchmark"})


def by_form(system: System, file: Path) -> None:
    """Send the file as a part of a form."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="name"\r\n\r\nform\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
    )
    body = (head.encode(), *pieces(file), f"\r\n--{BOUNDARY}--\r\n".encode())
    _upload(system, body, f"multipart/form-data; boundary={BOUNDARY}", {})


WAYS: Mapping[str, Callable[[System, Path], None]] = {
    "by path": by_path,
    "HTTP, text/csv": by_body,
    "HTTP, multipart": by_form,
}


@click.command("import")
@click.option("--rows", default=1_000_000, show_default=True)
@measuring_options
def imports(measuring: Measuring, rows: int) -> None:
    """Import a list by path and by HTTP."""
    measuring.measure("import", [case(way, rows) for way in WAYS])


def case(way: str, rows: int) -> Case:
    """Make the case of one way."""
    floors: dict[Site, BareLoop] = {}

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        show("floor", 0, 1)
        floor = floors.setdefault(site, recipients_loop(site)).measure(rows)
        run.note(FLOOR, floor.rate, ROWS)
        run.note(f"{FLOOR}: rows of a transaction", floor.batch, "rows")
        for name, cost in floor.processor.items():
            run.note(f"{FLOOR}: {name}", cost, COST)
        file = site.csv_root / "list.csv"
        if not file.exists():
            write_recipients(file, rows)
        import_once(site, run, way, rows)
        run.note(f"rate / {FLOOR}", run.figures["rate"].value / floor.rate, "ratio")
        return run

    return Case(f"{rows:,} rows, {way}", measure, {"rows": rows, "way": way})


def import_once(
    site: Site, run: Run, way: str, rows: int, settings: Mapping[str, object] | None = None
) -> None:
    """Import the file with services that have imported nothing yet."""
    file = site.csv_root / "list.csv"
    with site.system(0, settings) as system, sampled(system.processes()) as usage:
        began = time.monotonic()
        WAYS[way](system, file)
        seconds = time.monotonic() - began
    with site.connection() as cursor:
        cursor.execute("SELECT COUNT(*) FROM recipients")
        ((stored,),) = cursor.fetchall()
        cursor.execute("DELETE FROM campaigns")
    if stored != rows:
        raise RuntimeError(f"{stored:,} of {rows:,} rows are stored")
    run.note("rate", rows / seconds, ROWS)
    for name, used in grouped(usage.seconds, GROUPS).items():
        run.note(f"processor: {name}", used / rows * 1e6, COST)
    run.processor, run.memory = usage.cores, usage.memory
    for name, held in usage.memory.items():
        run.note(f"memory: {name}", max(megabytes for _, megabytes in held), "MB")


def pieces(file: Path) -> Iterable[bytes]:
    """Read a file piece by piece."""
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece


def _upload(
    system: System, body: Iterable[bytes], content_type: str, parameters: Mapping[str, str]
) -> None:
    answer = requests.post(
        f"{system.url}/v1/recipient-lists",
        params=parameters,
        data=b"".join(body),
        headers={"Content-Type": content_type},
        timeout=ANSWER_SECONDS,
    )
    if answer.status_code != requests.codes.created:
        raise RuntimeError(f"refused ({answer.status_code}): {answer.text}")
