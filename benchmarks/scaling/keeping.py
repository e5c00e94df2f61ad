"""The rehearsal's results, in the format of all benchmarks, and its picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.floors.both import MESSAGES, RATE
from benchmarks.measuring import OTHERS, RESULTS
from benchmarks.results import CaseResult, Results, Run, rates
from benchmarks.scaling.demand import TAIL
from benchmarks.scaling.plot import RATE_SPAN, draw
from benchmarks.scaling.rule import Rule
from benchmarks.scaling.settling import Accounts
from benchmarks.scaling.watching import History
from local_stack.servers.kafka import KAFKA

SCENARIO = "scaling-rehearsal"
PICTURE = "scaling-rehearsal.svg"

ALMOST_ALL = 0.9
"""Share of the burst to measure; some partitions are empty while others still have the rest."""


@dataclass(frozen=True)
class Circumstances:
    """Parameters of the rehearsal."""

    recipients: int
    hasten: float
    connections: int
    latency: float
    """Seconds of the provider."""
    tail_latency: float
    window: str


@dataclass(frozen=True)
class Seen:
    """Results of the rehearsal."""

    servers: Mapping[str, str]
    history: History
    accounts: Accounts
    others: float
    """Share of the processor that other programs had."""


def keep(folder: Path, given: Circumstances, rule: Rule, seen: Seen) -> None:
    """Write results.json and the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PICTURE).write_bytes(draw(seen.history, rule, given.hasten))
    results = Results.begin(machine.describe(), {**seen.servers, "broker": f"Kafka {KAFKA}"})
    results.cases.append(_case(given, rule, seen))
    results.write(folder / RESULTS)


def rate_with_all(history: History, most: int, first: float, last: float) -> float | None:
    """Return the rate from `first` to `last` outcomes, while every sender had partitions.

    None if there was no such time.
    """
    during = [
        outcomes
        for outcomes, (_, working) in zip(history.outcomes, history.working, strict=True)
        if working == most and first <= outcomes[1] <= last
    ]
    if len(during) < 2:
        return None
    (began, before), (ended, after) = during[0], during[-1]
    return (after - before) / (ended - began)


def _case(given: Circumstances, rule: Rule, seen: Seen) -> CaseResult:
    """Sum up the time after the burst, when sends in flight are the only limit."""
    burst, every = given.recipients, seen.accounts.sent
    run = Run()
    for name, first, last in (
        (RATE, burst + TAIL, every),
        ("rate of the burst", 0, ALMOST_ALL * burst),
    ):
        rate = rate_with_all(seen.history, rule.most, first, last)
        if rate is not None:
            run.note(name, rate, MESSAGES)
    run.note("lost", seen.accounts.lost, "messages")
    run.note("duplicate sends", seen.accounts.duplicates, "calls")
    run.note(OTHERS, seen.others, "share")
    run.throughput = rates(seen.history.outcomes, RATE_SPAN)
    label = (
        f"{rule.most} senders, {given.connections} connections,"
        f" answers after {given.tail_latency * 1000:g} ms"
    )
    parameters = {
        "rows": given.recipients,
        "senders": rule.most,
        "connections": given.connections,
        "latency": given.tail_latency,
        "database": seen.servers["database"].partition(" ")[0].lower(),
    }
    return CaseResult(SCENARIO, label, parameters, [run])
