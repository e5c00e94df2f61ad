"""Small campaigns that become due: until their first and their last message."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click

from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.recipients import write_recipients
from benchmarks.results import Run, note_latencies
from benchmarks.scenarios.sending import list_on
from benchmarks.site import Site
from benchmarks.system import SHARDS, System

SMALL_LIST = 2
"""The campaign that the small list is imported for; it never starts."""

LEAD = 3.0
"""Seconds between the creation of the campaigns and the first due time."""

CREATED_A_SECOND = 20

FIRST, LAST = "due to first message", "due to last message"

NOW = "SELECT UTC_TIMESTAMP(6)"
DUE = "SELECT scheduled_at FROM campaigns WHERE id = %s"

SENT = " UNION ALL ".join(
    f"SELECT sent_at FROM messages_{shard} WHERE campaign_id = %s" for shard in range(SHARDS)
)


@click.command("small")
@click.option("--campaigns", default=100, show_default=True)
@click.option("--recipients", default=100, show_default=True, help="Of each small campaign.")
@click.option("--interval", default=0.4, show_default=True, help="Seconds between due times.")
@click.option("--rows", default=5_000_000, show_default=True, help="Of the big campaign.")
@measuring_options
def small(
    measuring: Measuring, campaigns: int, recipients: int, interval: float, rows: int
) -> None:
    """Small campaigns that become due, idle and while a big one sends."""
    cases = [
        case(campaigns, recipients, interval, 0),
        case(campaigns, recipients, interval, rows),
    ]
    measuring.measure("small", cases)


def case(campaigns: int, recipients: int, interval: float, rows: int) -> Case:
    """Make the case beside a campaign of so many rows, or beside nothing."""

    def measure(site: Site, show: Show) -> Run:
        run = Run()
        with site.system(senders=1) as system, busy(site, system, rows, show) as big:
            ids = due_in_turn(system, small_list(site, system, recipients), campaigns, interval)
            show("small campaigns", 0, campaigns)
            delays = [wait_for(system, each, recipients) for each in ids]
            if big is not None and system.campaign(big)["state"] != "running":
                raise RuntimeError(
                    "the big campaign ended before the small ones; give it more rows"
                )
        note_latencies(run, FIRST, [first for first, _ in delays])
        note_latencies(run, LAST, [last for _, last in delays])
        site.clear_ledger()
        return run

    beside = f"while one of {rows:,} sends" if rows else "idle"
    label = f"{campaigns} campaigns of {recipients}, {beside}"
    return Case(label, measure, {"campaigns": campaigns, "rows": rows, "busy": bool(rows)})


@contextmanager
def busy(site: Site, system: System, rows: int, show: Show) -> Iterator[int | None]:
    """Send a big campaign during the block, and yield its id."""
    if not rows:
        yield None
        return
    big = system.draft(list_on(site, system, rows, show))
    system.change(big, "start")
    system.follow(min(rows // 50, 100_000), big)
    yield big
    system.change(big, "cancel")


def small_list(site: Site, system: System, recipients: int) -> int:
    """Return the id of the small list, imported by the first repeat."""
    file = site.csv_root / "small.csv"
    if not file.exists():
        system.import_by_path(write_recipients(file, recipients), SMALL_LIST)
    return system.list_of(SMALL_LIST)


def due_in_turn(system: System, list_id: int, campaigns: int, interval: float) -> Sequence[int]:
    """Schedule campaigns one after the other, out of step with the scheduler's polling."""
    uneven = random.Random(7)  # noqa: S311 - spreads due times
    system.cursor.execute(NOW)
    ((now,),) = system.cursor.fetchall()
    first = now.replace(tzinfo=UTC) + timedelta(seconds=LEAD + campaigns / CREATED_A_SECOND)
    return [
        system.draft(list_id, scheduled_at=_rfc3339(first, (n + uneven.random()) * interval))
        for n in range(campaigns)
    ]


def wait_for(system: System, campaign: int, recipients: int) -> tuple[float, float]:
    """Wait for a campaign's end; return the milliseconds from due to first and to last message.

    The time of a ledger row stands for its call, which came before it.
    """
    system.follow(recipients, campaign)
    system.cursor.execute(DUE, (campaign,))
    ((due,),) = system.cursor.fetchall()
    system.cursor.execute(SENT, [campaign] * SHARDS)
    moments = [moment for (moment,) in system.cursor.fetchall()]
    first, last = ((each - due).total_seconds() * 1000 for each in (min(moments), max(moments)))
    return first, last


def _rfc3339(start: datetime, seconds: float) -> str:
    return (start + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
