"""Time and memory of what is asked of a whole list: a dry run, and the export of the messages.

    PYTHONPATH=deploy .venv/bin/python benchmarks/whole_list.py --recipients 1000000

Starts a local stack of its own. Ends with exit code 1 when the dry run did not see every row, or a
process of the API held more than its bound.
"""

import time
from collections.abc import Callable
from functools import partial

import click
import requests
from footprint import BOUNDS_MB, PeakMemory
from rich.console import Console
from rich.table import Table

from local_stack.demo.campaign import create_campaign, read_progress, write_recipients
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.scratch import scratch_folder
from local_stack.services import Plan, running_services
from local_stack.stack import Stack

ANSWER_SECONDS = 300
CAMPAIGN = 1_000_000_000
API = "campaign-api"
PIECE = 2**20


@click.command()
@click.option("--recipients", default=1_000_000, show_default=True)
@click.option("--database", type=click.Choice(["mariadb", "mysql"]), default="mariadb")
def main(recipients: int, database: str) -> None:
    """Send a campaign, then export its messages and play a copy of it through."""
    console = Console()
    table = Table("request", "seconds", "rows/s", "peak resident MB of a process")
    with scratch_folder("whole-list") as folder:
        csv_root = folder / "csv"
        csv_root.mkdir()
        write_recipients(csv_root, recipients)
        plan = Plan(port=free_port(), senders=1, csv_root=csv_root)
        cache = Cache.from_environment()
        with (
            Stack(folder, cache, flavour="mysql" if database == "mysql" else "mariadb") as stack,
            running_services(stack.addresses, plan) as services,
        ):
            create_campaign(services.url)
            while read_progress(services.url).state != "finished":
                time.sleep(0.5)
            campaign = f"{services.url}/v1/campaigns/{CAMPAIGN}"
            held = 0.0
            seen = {}
            for name, request in (("export", export), ("dry run", dry_run)):
                with PeakMemory({API: services.processes[API]}) as peak:
                    began = time.monotonic()
                    seen[name] = request(campaign)
                    seconds = time.monotonic() - began
                megabytes = peak.megabytes[API]
                held = max(held, megabytes)
                rate = f"{seen[name] / seconds:,.0f}"
                table.add_row(name, f"{seconds:.1f}", rate, f"{megabytes:.0f}")
    console.print(f"{recipients:,} recipients on {database}")
    console.print(table)
    if set(seen.values()) != {recipients} or held > BOUNDS_MB[API]:
        raise SystemExit(f"rows seen: {seen}, held: {held:.0f} MB")


def export(campaign: str) -> int:
    """Read the export piece by piece; return how many messages were in it."""
    with requests.get(f"{campaign}/messages.csv", stream=True, timeout=ANSWER_SECONDS) as answer:
        answer.raise_for_status()
        pieces: Callable[[], bytes] = partial(answer.raw.read, PIECE)
        return sum(piece.count(b"\n") for piece in iter(pieces, b"")) - 1


def dry_run(campaign: str) -> int:
    """Play a copy of the campaign through; return how many rows were."""
    copy = requests.post(f"{campaign}/clone", timeout=ANSWER_SECONDS)
    copy.raise_for_status()
    path = f"{campaign.rpartition('/')[0]}/{copy.json()['id']}/dry-run"
    answer = requests.post(path, timeout=ANSWER_SECONDS)
    answer.raise_for_status()
    return int(answer.json()["rows"])


if __name__ == "__main__":
    main()
