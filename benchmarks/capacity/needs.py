"""The deployment that a rate needs: the inverse of the model, with its tolerance in reserve."""

from dataclasses import dataclass
from math import ceil

from benchmarks.capacity.model import IN_FLIGHT, TAKES_TURNS, TOLERANCE, Costs, Deployment, bounds
from campaign_common.settings import SenderSettings

FEWEST_PARTITIONS = 8
"""The default number of partitions."""

MOST_CALLS = SenderSettings.in_flight
"""Most sends in flight of one sender, each for a message that is claimed and not recorded."""


@dataclass(frozen=True)
class Needs:
    """Requirements of a rate."""

    calls_in_flight: float
    senders: int
    partitions: int
    connections: int
    """Http.Connections of each sender."""
    campaigns: int
    sender_cores: float
    scheduler_cores: float
    database_cores: float
    broker_cores: float


def needs(costs: Costs, rate: float, latency: float) -> Needs:
    """Return the fewest senders, on the fewest partitions, that carry a rate with the reserve."""
    planned = rate * (1 + TOLERANCE)
    partitions = FEWEST_PARTITIONS
    while not _carried(_with(partitions, partitions, latency), costs, planned):
        partitions *= 2
    senders = next(
        number
        for number in range(1, partitions + 1)
        if _carried(_with(number, partitions, latency), costs, planned)
    )
    even = _with(senders, partitions, latency).even_senders
    return Needs(
        calls_in_flight=rate * latency,
        senders=senders,
        partitions=partitions,
        connections=max(ceil(planned * latency / even), 1),
        campaigns=ceil(planned * costs.scheduler / 1e6),
        sender_cores=rate * costs.sender / 1e6,
        scheduler_cores=rate * costs.scheduler / 1e6,
        database_cores=rate * costs.database / 1e6,
        broker_cores=rate * costs.broker / 1e6,
    )


def _with(senders: int, partitions: int, latency: float) -> Deployment:
    return Deployment(senders, partitions, calls=MOST_CALLS, latency=latency)


def _carried(deployment: Deployment, costs: Costs, rate: float) -> bool:
    found = bounds(costs, deployment)
    return min(found[TAKES_TURNS], found[IN_FLIGHT]) >= rate
