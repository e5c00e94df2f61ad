"""Inputs, checks and predictions as tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from benchmarks.capacity.model import (
    TOLERANCE,
    Check,
    Costs,
    Deployment,
    checks,
    costs_of,
    deployment_of,
    own_costs,
    predict,
)
from benchmarks.capacity.needs import MOST_CALLS, needs
from benchmarks.capacity.points import (
    HTTP,
    OUTCOME,
    QUIET,
    RECIPIENT,
    RECORD,
    SEND,
    UPKEEP,
    Point,
)
from benchmarks.report.tables import number
from benchmarks.traffic import COMMITS, NETWORK, REDO_LOG

MARIADB = "mariadb"
PLANNED_RATES = (1_000, 10_000, 100_000, 1_000_000)
PLANNED_LATENCY = 0.05
LATENCIES = (0.01, 0.05, 0.2, 1.0)

DEPLOYMENTS = (
    (1, 1, 8),
    (2, 1, 8),
    (3, 1, 8),
    (4, 1, 8),
    (8, 1, 8),
    (8, 2, 8),
    (16, 2, 16),
    (32, 4, 32),
)
"""Senders, database servers, partitions."""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table."""
    return "\n".join(_row(cells) for cells in (headings, ["---"] * len(headings), *rows))


def costs_table(points: Sequence[Point]) -> str:
    """Show the costs of a message, with the machine of the measurement."""
    headings = (
        "provider, database",
        "sender",
        "scheduler",
        "database",
        "broker",
        "sink",
        "measured",
    )
    return table(headings, [_costs_row(costs) for costs in _all_costs(points)])


def traffic_table(points: Sequence[Point]) -> str:
    """Show the disk and network traffic of a message, with the machine of the measurement."""
    sources = [costs.source for costs in _all_costs(points)]
    sources += [point for point in points if point.scenario == UPKEEP]
    rows = [
        (name, f"{number(point.figures[name].value)} {point.figures[name].unit}", _measured(point))
        for name in (RECIPIENT, OUTCOME, RECORD, REDO_LOG, COMMITS, NETWORK)
        for point in sources
        if name in point.figures
    ]
    return table(("what", "how much", "measured"), rows)


def checks_table(points: Sequence[Point]) -> str:
    """Show every measured rate beside the predicted one."""
    headings = (
        *("case", "others' share", "messages a commit", "µs a message"),
        *("measured, messages/s", "predicted", "error", "limit", "from the first costs"),
    )
    return table(headings, [_check_row(points, check) for check in checks(points)])


def carries_table(points: Sequence[Point]) -> str:
    """Show the rates of several deployments, each process on its own core."""
    at_once = costs_of(points, SEND, MARIADB)
    http = costs_of(points, HTTP, MARIADB)
    headings = (
        *("senders", "database servers", "partitions", "answers at once, one campaign"),
        "answers at once, many campaigns",
        "by HTTP, 50 ms, 256 connections",
        f"by HTTP, 50 ms, {MOST_CALLS:,} connections",
    )
    rows = []
    for senders, servers, partitions in DEPLOYMENTS:
        one = Deployment(senders, partitions, servers)
        many = Deployment(senders, partitions, servers, campaigns=senders)
        slow = [
            Deployment(senders, partitions, servers, senders, calls, PLANNED_LATENCY)
            for calls in (Deployment.calls, MOST_CALLS)
        ]
        cells = [_predicted(at_once, each) for each in (one, many)]
        cells += [_predicted(http, each) for each in slow]
        rows.append((str(senders), str(servers), str(partitions), *cells))
    return table(headings, rows)


def needs_table(points: Sequence[Point]) -> str:
    """Show the requirements of rates by HTTP at one latency."""
    costs = costs_of(points, HTTP, MARIADB)
    size = _bytes(points)
    headings = (
        *("messages/s", "sends in flight", "senders", "partitions", "`Http.Connections` of each"),
        *("campaigns, schedulers", "database servers"),
        "cores at least: senders, schedulers, database, broker",
        *("network, MB/s", "redo log, MB/s", "database, GB an hour"),
    )
    rows = []
    for rate in PLANNED_RATES:
        need = needs(costs, rate, PLANNED_LATENCY)
        cores = (need.sender_cores, need.scheduler_cores, need.database_cores, need.broker_cores)
        stored = size[RECIPIENT] + size[OUTCOME]
        rows.append(
            (
                f"{rate:,}",
                f"{need.calls_in_flight:,.0f}",
                str(need.senders),
                str(need.partitions),
                f"{need.connections:,}",
                str(need.campaigns),
                str(ceil(need.database_cores * (1 + TOLERANCE))),
                ", ".join(number(each) for each in cores),
                number(rate * size[NETWORK] / 1e6),
                number(rate * size[REDO_LOG] / 1e6),
                number(rate * stored * 3600 / 1e9),
            )
        )
    return table(headings, rows)


def latency_table(points: Sequence[Point]) -> str:
    """Show the price of a provider's latency: sends in flight, and senders by connections."""
    costs = costs_of(points, HTTP, MARIADB)
    headings = ("latency", *(f"{rate:,}/s" for rate in PLANNED_RATES))
    rows = [
        (f"{latency * 1000:g} ms", *(_price(costs, rate, latency) for rate in PLANNED_RATES))
        for latency in LATENCIES
    ]
    return table(headings, rows)


def _price(costs: Costs, rate: float, latency: float) -> str:
    need = needs(costs, rate, latency)
    senders = f"{need.senders} sender{'' if need.senders == 1 else 's'}"
    return f"{need.calls_in_flight:,.0f}: {senders} with {need.connections:,}"


def _all_costs(points: Sequence[Point]) -> list[Costs]:
    return [
        costs_of(points, scenario, database)
        for scenario in (SEND, HTTP)
        for database in dict.fromkeys(p.database for p in points if p.scenario == scenario)
    ]


def _check_row(points: Sequence[Point], check: Check) -> tuple[str, ...]:
    point, found = check.point, check.prediction
    own = own_costs(point).everything
    commits = point.figures.get(COMMITS)
    return (
        f"`{point.scenario}`: {point.case}, {point.database}",
        f"{point.others:.0%}",
        "" if commits is None else number(1_000 / commits.value),
        number(own) if own else "",
        f"{check.measured:,.0f}",
        f"{found.rate:,.0f}",
        f"{check.error:+.0%}",
        found.bound,
        _from_first_costs(points, check) if point.others <= QUIET else "",
    )


def _from_first_costs(points: Sequence[Point], check: Check) -> str:
    point = check.point
    costs = costs_of(points, SEND if point.scenario == SEND else HTTP, point.database)
    rate = predict(costs, deployment_of(point)).rate
    return f"{rate:,.0f}, {rate / check.measured - 1:+.0%}"


def _costs_row(costs: Costs) -> tuple[str, ...]:
    point = costs.source
    name = "answers at once" if point.scenario == SEND else "by HTTP"
    values = (costs.sender, costs.scheduler, costs.database, costs.broker, costs.provider)
    shown = [number(value) if value else "" for value in values]
    return (f"{name}, {point.database}", *shown, _measured(point))


def _measured(point: Point) -> str:
    runs = f"{point.runs} run{'' if point.runs == 1 else 's'}"
    return (
        f"{point.measured_at[:10]}, `{point.scenario}`: {point.case}, {runs}, {point.place};"
        f" others' share {point.others:.0%}"
    )


def _bytes(points: Sequence[Point]) -> Mapping[str, float]:
    """Return the bytes of a message on MariaDB: traffic from `http`, storage from `upkeep`."""
    upkeep = max(
        (point for point in points if (point.scenario, point.database) == (UPKEEP, MARIADB)),
        key=lambda point: point.rows,
    )
    of_http = costs_of(points, HTTP, MARIADB).source
    stays = {name: upkeep.figures[name].value for name in (RECIPIENT, OUTCOME)}
    return stays | {name: of_http.figures[name].value for name in (NETWORK, REDO_LOG)}


def _predicted(costs: Costs, deployment: Deployment) -> str:
    prediction = predict(costs, deployment)
    return f"{prediction.rate:,.0f} ({prediction.bound})"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
