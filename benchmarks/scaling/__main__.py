"""The scaling rehearsal's command line: python -m benchmarks.scaling.

A burst, and smaller campaigns behind it so that senders that leave have something in their hands.
Ends with exit code 1 when somebody was lost or called twice, or the senders did not go up to the
partition count and down again.
"""

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.recipients import FIRST_PHONE, write_recipients
from benchmarks.scaling.plot import draw
from benchmarks.scaling.rule import Rule, read_rule
from benchmarks.scaling.watching import LagReader, Watcher
from benchmarks.site import ServerChoice, Site, site
from benchmarks.system import SHARDS, System
from campaign_common.message import Status
from local_stack.distributions.cache import REPOSITORY
from tests.chaos.accounts import Account, compare
from tests.recording_provider import Call
from tests.recordings import RecordingProvider, recording_provider

MANIFEST = REPOSITORY / "k8s" / "overlays" / "keda" / "autoscaler.yaml"

BURST, TAIL_LIST = 1, 2
"""The campaigns that lists are imported for; they never start."""

LOOK = 0.5
CONNECTIONS = 128
"""Of each sender: as many as the provider of this rehearsal can do with, times eight."""

SLICE = 50_000

STATUSES = """
SELECT phone, status FROM campaign_messages WHERE campaign_id = %s AND seq BETWEEN %s AND %s
"""


@click.command()
@click.option("--recipients", default=1_000_000, show_default=True, help="Of the burst.")
@click.option("--tail", default=2_000, show_default=True, help="Of each campaign behind it.")
@click.option(
    "--hasten",
    default=5.0,
    show_default=True,
    help="How many times faster than in the manifest its clock runs; 1 is as it will be.",
)
@click.option("--latency", default=0.05, show_default=True, help="Seconds, of the provider.")
@click.option(
    "--window",
    default="8s",
    show_default=True,
    help="Scheduler.Window: the lag is what a campaign does in this time at most, and on a machine"
    " that all senders share less of it never asks for the most of them.",
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Where to draw it.")
def main(
    recipients: int, tail: int, hasten: float, latency: float, window: str, plot: Path | None
) -> None:
    """Meet a burst with as many senders as the manifest's rule asks for."""
    console = Console()
    rule = read_rule(MANIFEST).hastened(hasten)
    with (
        site(ServerChoice()) as made,
        recording_provider(made.addresses.folder / "calls", "--latency", latency) as provider,
    ):
        settings = {**reaching(provider), "Scheduler": {"Window": window}}
        with made.system(rule.least, settings) as system:
            watcher = Watcher(system, LagReader(made.addresses, SHARDS), rule, SHARDS)
            sizes = rehearse(made, system, watcher, rule, (recipients, tail))
            accounts = settle(system, provider, sizes)
    if plot is not None:
        plot.write_bytes(draw(watcher.history, rule.lag_threshold))
    sys.exit(conclude(console, watcher, rule, accounts))


def reaching(provider: RecordingProvider) -> dict[str, object]:
    """Have everything sent to a provider that shares the machine with eight senders.

    It is waited for longer than usual: calls that are given up are made again, as they should be,
    and would count as duplicates here.
    """
    http = {
        "Url": provider.url,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Connections": CONNECTIONS,
        "Timeout": "25s",
    }
    return {"Provider": "http", "Http": http, "DrainTimeout": "28s"}


def rehearse(
    made: Site, system: System, watcher: Watcher, rule: Rule, sizes: tuple[int, int]
) -> dict[int, int]:
    """Send the burst, then small campaigns until the senders are as few as in the beginning.

    Returns the recipients of each campaign by its id.
    """
    files = [write_recipients(made.csv_root / f"{n}.csv", n) for n in sizes]
    for number, file in zip((BURST, TAIL_LIST), files, strict=True):
        system.import_by_path(file, number)
    burst = system.draft(system.list_of(BURST))
    system.change(burst, "start")
    sent = {burst: sizes[0]}
    reached = False
    while not (reached and watcher.replicas == rule.least and everything_sent(system, sent)):
        watcher.look()
        reached = reached or watcher.replicas == rule.most
        if system.outcomes() >= sum(sent.values()):
            if not reached:
                break
            small = system.draft(system.list_of(TAIL_LIST))
            system.change(small, "start")
            sent[small] = sizes[1]
        time.sleep(LOOK)
    for each in sent:
        system.wait_for_state(each)
    return sent


def everything_sent(system: System, sent: dict[int, int]) -> bool:
    """Tell whether every recipient has an outcome."""
    return system.outcomes() >= sum(sent.values())


def settle(system: System, provider: RecordingProvider, sizes: dict[int, int]) -> list[Account]:
    """Compare file, ledger and the provider's log of each campaign."""
    calls: dict[int, list[Call]] = {campaign: [] for campaign in sizes}
    for call in provider.calls():
        calls[call.sent.campaign_id].append(call)
    accounts = []
    for campaign, size in sizes.items():
        ledger: dict[str, int] = {}
        for first in range(1, size + 1, SLICE):
            system.cursor.execute(STATUSES, (campaign, first, first + SLICE - 1))
            ledger.update(system.cursor.fetchall())
        phones = [str(FIRST_PHONE + n) for n in range(size)]
        accounts.append(compare(phones, ledger, calls[campaign]))
    return accounts


def conclude(console: Console, watcher: Watcher, rule: Rule, accounts: list[Account]) -> int:
    """Print what came of it; returns the exit code."""
    wanted = [int(number) for _, number in watcher.history.wanted]
    working = [int(number) for _, number in watcher.history.working]
    lost = sum(each.lost for each in accounts)
    duplicates = sum(each.duplicates for each in accounts)
    sent = sum(each.counts.get(Status.SENT, 0) for each in accounts)
    table = Table("", "", title="Scaling rehearsal", show_header=False)
    rows: dict[str, int | str] = {
        "campaigns": len(accounts),
        "messages sent": sent,
        "lost": lost,
        "duplicate calls": duplicates,
        "senders at first, most, at last": f"{wanted[0]}, {max(wanted)}, {wanted[-1]}",
        "most with partitions": max(working),
        "largest lag": int(max(lag for _, lag in watcher.history.lag)),
        "seconds": round(watcher.history.lag[-1][0]),
    }
    for name, value in rows.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else value)
    console.print(table)
    up_and_down = max(wanted) == rule.most and wanted[-1] == rule.least
    return 0 if up_and_down and not lost and not duplicates else 1


if __name__ == "__main__":
    main()
