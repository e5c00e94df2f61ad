"""One campaign from its start to its last outcome, for all scenarios that send."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.floors.both import COST, Floors, compare
from benchmarks.measuring import Show
from benchmarks.recipients import write_recipients
from benchmarks.results import Points, Run, rates
from benchmarks.sampling import PeakMemory, Usage, grouped, sampled
from benchmarks.site import Site
from benchmarks.system import GROUPS, System
from benchmarks.traffic import counted_traffic

LIST_CAMPAIGN = 1
"""The campaign that a list is imported for; it never starts."""

SENDING = "sending"

API = "campaign-api"

SMOOTHED = 1.0
"""Seconds that each rate over time covers, because outcomes come in batches."""


@dataclass(frozen=True)
class Sending:
    """Number of messages and senders, and the settings of the services."""

    rows: int
    senders: int = 1
    settings: Mapping[str, object] = field(default_factory=dict)
    provider: int | None = None
    """The process id of a provider that the benchmark runs."""


def counted(number: int, what: str) -> str:
    """Format a number with its noun."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def send_once(site: Site, floors: Floors, sending: Sending, show: Show) -> Run:
    """Measure the floors, start the services, and send one campaign."""
    run = Run()
    show("floors", 0, 1)
    floors.measure(run)
    with site.system(sending.senders, sending.settings) as system:
        with PeakMemory({API: system.services.processes[API]}) as peak:
            list_id = list_on(site, system, sending.rows, show)
        if not site.imported:
            run.note("memory: api, importing", peak.megabytes[API], "MB")
            site.imported = True
        campaign = system.draft(list_id)
        with (
            sampled(system.processes(sending.provider)) as usage,
            counted_traffic(site, run, sending.rows),
        ):
            system.change(campaign, "start")
            points = system.follow(sending.rows, campaign, lambda n: show(SENDING, n, sending.rows))
        seconds = system.sending_seconds(campaign)
        system.wait_for_state(campaign)
    note_sending(run, sending, seconds, points, usage)
    site.clear_ledger()
    return run


def list_on(site: Site, system: System, rows: int, show: Show) -> int:
    """Return the id of a list of so many recipients, imported by the first repeat."""
    file = site.csv_root / f"{rows}.csv"
    if not file.exists():
        show("import", 0, 1)
        write_recipients(file, rows)
        system.import_by_path(file, LIST_CAMPAIGN)
    return system.list_of(LIST_CAMPAIGN)


def note_sending(run: Run, sending: Sending, seconds: float, points: Points, usage: Usage) -> None:
    """Note the rate, its ratios to the floors, and its costs."""
    compare(run, sending.rows / seconds)
    run.note("start to last outcome", seconds, "s")
    run.throughput = rates(points, SMOOTHED)
    costs = grouped(usage.seconds, GROUPS)
    for name, used in costs.items():
        run.note(f"processor: {name}", used / sending.rows * 1e6, COST)
    run.note("processor: all", sum(costs.values()) / sending.rows * 1e6, COST)
    run.processor = usage.cores
    run.memory = usage.memory
    for name, held in usage.memory.items():
        run.note(f"memory: {name}", max(megabytes for _, megabytes in held), "MB")
