"""How long after its due time a small campaign's first message reaches the provider.

    PYTHONPATH=deploy .venv/bin/python benchmarks/due_latency.py --campaigns 100

The time of the first ledger row stands for the call, which came before it: what is printed is
an upper bound. Both times are the database's clock.
"""

import statistics
import time

import click
import pymysql
import requests
from rich.console import Console

from campaign_common.dsn import parse_dsn
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.scratch import scratch_folder
from local_stack.services import Plan, running_services
from local_stack.stack import Stack

LEAD_SECONDS = 5
"""Between the creation of the campaigns and the first due time."""

RECIPIENTS = 20

LEDGER = " UNION ALL ".join(f"SELECT campaign_id, sent_at FROM messages_{n}" for n in range(8))
FIRST_SENT = f"""
SELECT TIMESTAMPDIFF(MICROSECOND, c.scheduled_at, MIN(m.sent_at)) / 1000000
FROM campaigns c JOIN ({LEDGER}) m ON m.campaign_id = c.id
GROUP BY c.id, c.scheduled_at
"""


@click.command()
@click.option("--campaigns", default=100, show_default=True)
@click.option("--bound", default=1.5, show_default=True, help="Seconds at the 99th percentile.")
def main(campaigns: int, bound: float) -> None:
    """Measure due time to first message over many small campaigns, due one a second."""
    with scratch_folder("due-latency") as folder:
        csv_root = folder / "csv"
        csv_root.mkdir()
        lines = (f"user{n},{13_961_467_500 + n}\n" for n in range(RECIPIENTS))
        (csv_root / "few.csv").write_text("".join(lines))
        plan = Plan(port=free_port(), senders=1, csv_root=csv_root)
        with (
            Stack(folder, Cache.from_environment()) as stack,
            running_services(stack.addresses, plan) as services,
        ):
            create(services.url, campaigns)
            dsn = parse_dsn(stack.database.dsn)
            database = pymysql.connect(
                host=dsn.host, port=dsn.port, user=dsn.user, database=dsn.database, autocommit=True
            )
            with database, database.cursor() as cursor:
                seconds = wait_for_all(cursor, campaigns)
    p99 = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    Console().print(
        f"{campaigns} campaigns: due to first message median {statistics.median(seconds):.3f} s, "
        f"p99 {p99:.3f} s, max {max(seconds):.3f} s (bound {bound} s)"
    )
    if p99 > bound:
        raise SystemExit(1)


def create(url: str, campaigns: int) -> None:
    """Create the campaigns; due times are whole seconds, one after the other."""
    first_due = int(time.time()) + LEAD_SECONDS + campaigns // 50
    for number in range(campaigns):
        body = {
            "campaign_name": f"small-{number}",
            "campaign_id": number + 1,
            "message_template": "hi {name}",
            "scheduled_time": first_due + number,
            "csv_file_path": "few.csv",
        }
        requests.post(f"{url}/v1/camp/create", json=body, timeout=30).raise_for_status()


def wait_for_all(cursor: pymysql.cursors.Cursor, campaigns: int) -> list[float]:
    """Wait until every campaign has sent something; return each one's delay in seconds."""
    while True:
        cursor.execute(FIRST_SENT)
        rows = cursor.fetchall()
        if len(rows) == campaigns:
            return [float(row[0]) for row in rows]
        time.sleep(0.5)


if __name__ == "__main__":
    main()
