"""The scaling rehearsal's command line: python -m benchmarks.scaling.

Small campaigns follow the burst, so that senders that leave have sends in flight. The exit code is
1 if a recipient was lost or called twice, or if the senders did not scale up to the partition count
and down again.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from benchmarks.machine import OtherPrograms
from benchmarks.options import OUTPUT
from benchmarks.scaling.demand import Demand
from benchmarks.scaling.keeping import Circumstances, Seen, keep
from benchmarks.scaling.rule import Rule, read_rule
from benchmarks.scaling.settling import Accounts, settle
from benchmarks.scaling.summary import ended_well, print_summary
from benchmarks.scaling.watching import History, LagReader, Watcher
from benchmarks.site import ServerChoice, Site, site
from benchmarks.system import SHARDS
from local_stack.distributions.cache import REPOSITORY
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import RecordingProvider, recording_provider

MANIFEST = REPOSITORY / "k8s" / "overlays" / "keda" / "autoscaler.yaml"

LOOK = 0.5


@click.command()
@click.option("--recipients", default=1_000_000, show_default=True, help="Of the burst.")
@click.option(
    "--hasten",
    default=8.0,
    show_default=True,
    help="Speed of the autoscaler's clock, as a multiple of the manifest's; 1 is real time.",
)
@click.option(
    "--connections",
    default=100,
    show_default=True,
    help="Http.Connections: the most sends that a sender has in flight.",
)
@click.option("--latency", default=0.1, show_default=True, help="Seconds, of the provider.")
@click.option(
    "--tail-latency",
    default=1.0,
    show_default=True,
    help="The same after the burst: longer, so that senders that leave have sends in flight.",
)
@click.option(
    "--window",
    default="12s",
    show_default=True,
    help="Scheduler.Window: bounds the lag to the messages of this time. One sender has to send"
    " more than lagThreshold in it, or the autoscaler never adds another one.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for results.json and the picture; by default a new one below .local/benchmarks.",
)
def main(
    *,
    recipients: int,
    hasten: float,
    connections: int,
    latency: float,
    tail_latency: float,
    window: str,
    output: Path | None,
) -> None:
    """Meet a burst with as many senders as the manifest's rule asks for."""
    given = Circumstances(recipients, hasten, connections, latency, tail_latency, window)
    rule = read_rule(MANIFEST).hastened(hasten)
    with site(ServerChoice()) as made:
        servers = made.versions()
        others = OtherPrograms()
        history, accounts = take_place(made, rule, given)
        share = others.share()
    folder = output or OUTPUT / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-scaling-rehearsal"
    keep(folder, given, rule, Seen(servers, history, accounts, share))
    console = Console()
    print_summary(console, history, accounts, hasten)
    console.print(f"written to {folder}", soft_wrap=True)
    sys.exit(0 if ended_well(history, accounts, rule) else 1)


def take_place(made: Site, rule: Rule, given: Circumstances) -> tuple[History, Accounts]:
    """Rehearse, and compare file, ledger and the provider's log."""
    log = made.addresses.folder / "calls"
    with recording_provider(log, "--latency", given.latency) as provider:
        settings = {
            **reaching(provider, given.connections),
            "Scheduler": {"Window": given.window},
        }
        with made.system(rule.least, settings) as system:
            demand = Demand(made, system, given.recipients)
            reader = LagReader(made.addresses, SHARDS)
            watcher = Watcher(
                system, reader, rule, under_way=lambda: provider.status()["in_flight"]
            )
            slower = Faults(latency=given.tail_latency)
            rehearse(demand, watcher, rule, lambda: provider.set_faults(slower))
            return watcher.history, settle(system, provider.calls(), demand.campaigns)


def reaching(provider: RecordingProvider, connections: int) -> dict[str, object]:
    """Return the settings for a provider that shares the machine with eight senders.

    The timeouts are longer than usual: calls that time out are made again, as they should be, and
    would count as duplicates here.
    """
    http = {
        "Url": provider.url,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Connections": connections,
        "Timeout": "25s",
    }
    return {"Provider": "http", "Http": http, "DrainTimeout": "28s"}


def rehearse(demand: Demand, watcher: Watcher, rule: Rule, slow_down: Callable[[], None]) -> None:
    """Send the burst, then small campaigns until only the initial senders are left."""
    demand.start_burst()
    risen = fallen = burst_over = False
    while not (fallen and demand.left() == 0):
        watcher.look()
        risen = risen or watcher.working == rule.most
        fallen = risen and watcher.replicas == watcher.working == rule.least
        if not burst_over and demand.left() == 0:
            burst_over = True
            slow_down()
            if not risen:
                break
        if burst_over and not fallen:
            demand.go_on()
        time.sleep(LOOK)
    demand.wait_for_ends()


if __name__ == "__main__":
    main()
