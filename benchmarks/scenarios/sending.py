"""One campaign from its start to its last outcome, for all scenarios that send."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.floors.both import COST, MESSAGES, RATE, Floors, compare
from benchmarks.measuring import Show
from benchmarks.recipients import write_recipients
from benchmarks.results import Points, Run, rates
from benchmarks.sampling import PeakMemory, Usage, grouped, sampled
from benchmarks.site import Site
from benchmarks.system import GROUPS, System
from benchmarks.traffic import counted_traffic

LIST_CAMPAIGN, WARM_UP_CAMPAIGN = 1, 2
"""The campaigns that lists are imported for; they never start."""

WARM_UP_ROWS = 2_000

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


def send_warm(site: Site, sending: Sending, show: Show, *, neighbour: str | None = None) -> Run:
    """Start the services, send a small campaign, and measure the next one, without floors.

    By then connections are made, code is warm, and limits have slots with grants. `neighbour`: the
    provider of a campaign to the same list that is sent meanwhile, and cancelled at the end.
    """
    run = Run()
    with site.system(sending.senders, sending.settings) as system:
        first = list_on(site, system, WARM_UP_ROWS, show, WARM_UP_CAMPAIGN)
        send_all(system, first, WARM_UP_ROWS, show)
        list_id = list_on(site, system, sending.rows, show)
        beside = started_beside(system, list_id, neighbour) if neighbour else None
        with sampled(system.processes(sending.provider)) as usage:
            campaign = send_all(system, list_id, sending.rows, show)
        run.note(RATE, sending.rows / system.sending_seconds(campaign), MESSAGES)
        if beside is not None:
            run.note("outcomes beside it", system.outcomes(beside), "messages")
            system.change(beside, "cancel")
    note_processor(run, sending, usage)
    site.clear_ledger()
    return run


def started_beside(system: System, list_id: int, provider: str) -> int:
    """Start a campaign by another provider; return its id when it has its first outcomes."""
    campaign = system.draft(list_id, provider=provider)
    system.change(campaign, "start")
    system.follow(1, campaign)
    return campaign


def send_all(system: System, list_id: int, rows: int, show: Show) -> int:
    """Send a campaign to a list, to its last outcome; return its id."""
    campaign = system.draft(list_id)
    system.change(campaign, "start")
    system.follow(rows, campaign, lambda n: show(SENDING, n, rows))
    system.wait_for_state(campaign)
    return campaign


def list_on(
    site: Site, system: System, rows: int, show: Show, campaign_id: int = LIST_CAMPAIGN
) -> int:
    """Return the id of a list of so many recipients, imported by the first repeat."""
    file = site.csv_root / f"{campaign_id}-{rows}.csv"
    if not file.exists():
        show("import", 0, 1)
        write_recipients(file, rows)
        system.import_by_path(file, campaign_id)
    return system.list_of(campaign_id)


def note_sending(run: Run, sending: Sending, seconds: float, points: Points, usage: Usage) -> None:
    """Note the rate, its ratios to the floors, and its costs."""
    compare(run, sending.rows / seconds)
    run.note("start to last outcome", seconds, "s")
    run.throughput = rates(points, SMOOTHED)
    note_processor(run, sending, usage)
    run.processor = usage.cores
    run.memory = usage.memory
    for name, held in usage.memory.items():
        run.note(f"memory: {name}", max(megabytes for _, megabytes in held), "MB")


def note_processor(run: Run, sending: Sending, usage: Usage) -> None:
    """Note the processor time of each group of processes for a message."""
    costs = grouped(usage.seconds, GROUPS)
    for name, used in costs.items():
        run.note(f"processor: {name}", used / sending.rows * 1e6, COST)
    run.note("processor: all", sum(costs.values()) / sending.rows * 1e6, COST)
