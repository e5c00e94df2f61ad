"""The rate that a deployment carries: the least of a few bounds, each from a measured cost.

A sender is one process with one interpreter lock. While the database works on its transaction, the
sender has nothing else to record. Its own processor time and the database's time for its rows
therefore add up. The measured rates of one sender confirm that the two take turns; this is the
model's only assumption, and the rest is arithmetic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf

from benchmarks.capacity.points import HTTP, PROCESSOR, QUIET, RATE, REHEARSAL, SEND, Point

TOLERANCE = 0.25
"""Largest accepted error of a prediction, as a share; plans keep the same share in reserve."""

TAKES_TURNS = "sender and database in turn"
IN_FLIGHT = "sends in flight"
SCHEDULER = "fan-out"
DATABASE = "database"
MACHINE = "machine"


@dataclass(frozen=True)
class Costs:
    """Processor time that a message takes, in microseconds."""

    sender: float
    scheduler: float
    database: float
    broker: float
    provider: float
    """Processor time of a provider on the same machine."""
    source: Point

    @property
    def everything(self) -> float:
        """Sum for a machine that everything shares."""
        return self.sender + self.scheduler + self.database + self.broker + self.provider

    @property
    def rate_of_a_sender(self) -> float:
        """Messages a second of one sender with a core of its own."""
        return 1e6 / (self.sender + self.database)


@dataclass(frozen=True)
class Deployment:
    """Numbers of processes, servers and partitions, and the provider's latency."""

    senders: int = 1
    partitions: int = 8
    database_servers: int = 1
    campaigns: int = 1
    """Campaigns that send at the same time, each with a scheduler of its own."""
    calls: int = 256
    """Most sends in flight of one sender: Http.Connections, and no more than Sender.InFlight."""
    latency: float = 0.0
    """Seconds that the provider takes to answer."""
    machine_cores: float | None = None
    """Cores of the one machine that everything shares; None: a core for each process."""

    @property
    def even_senders(self) -> float:
        """The equivalent number of evenly loaded senders.

        The sender with the most partitions is the limit.
        """
        working = min(self.senders, self.partitions)
        return self.partitions / ceil(self.partitions / working)


@dataclass(frozen=True)
class Prediction:
    """The rate that a deployment carries, and the bound that limits it."""

    rate: float
    bound: str


def bounds(costs: Costs, deployment: Deployment) -> Mapping[str, float]:
    """Return the messages a second that each part would allow."""
    found = {
        TAKES_TURNS: deployment.even_senders * costs.rate_of_a_sender,
        IN_FLIGHT: inf,
        SCHEDULER: deployment.campaigns * 1e6 / costs.scheduler,
        DATABASE: deployment.database_servers * 1e6 / costs.database,
    }
    if deployment.latency:
        # Little's law: sends in flight = rate x latency.
        found[IN_FLIGHT] = deployment.even_senders * deployment.calls / deployment.latency
    if deployment.machine_cores is not None:
        found[MACHINE] = deployment.machine_cores * 1e6 / costs.everything
    return found


def predict(costs: Costs, deployment: Deployment) -> Prediction:
    """Return the least of the bounds."""
    found = bounds(costs, deployment)
    bound = min(found, key=lambda name: found[name])
    return Prediction(found[bound], bound)


def costs_of(points: Sequence[Point], scenario: str, database: str) -> Costs:
    """Take the costs from a case with one sender and a provider that answers at once.

    Of several cases, the one with the fewest other programs on the machine is taken, since other
    programs raise the processor time of everything. Of the undisturbed cases the largest is taken.

    Raises:
        LookupError: no such case was measured.
    """
    sources = [
        point
        for point in points
        if (point.scenario, point.database) == (scenario, database)
        and point.senders == 1
        and not point.latency
    ]
    if not sources:
        raise LookupError(f"{scenario} with one sender was not measured on {database}")
    return own_costs(min(sources, key=lambda point: (max(point.others, QUIET), -point.rows)))


def own_costs(point: Point) -> Costs:
    """Take the costs from one case."""

    def cost(process: str) -> float:
        figure = point.figures.get(f"{PROCESSOR}{process}")
        return 0.0 if figure is None else figure.value

    return Costs(
        sender=cost("sender"),
        scheduler=cost("scheduler"),
        database=cost("database"),
        broker=cost("broker"),
        provider=cost("provider"),
        source=point,
    )


def deployment_of(point: Point) -> Deployment:
    """Return the deployment of a measurement; its cores are those that other programs left."""
    return Deployment(
        senders=point.senders,
        calls=int(point.parameters.get("connections", Deployment.calls)),
        latency=point.latency,
        machine_cores=point.cores * (1 - point.others),
    )


@dataclass(frozen=True)
class Check:
    """A measured rate beside the predicted one."""

    point: Point
    prediction: Prediction

    @property
    def measured(self) -> float:
        """Messages a second."""
        return self.point.figures[RATE].value

    @property
    def error(self) -> float:
        """Error of the prediction, as a share of the measured rate; positive if it is too high."""
        return self.prediction.rate / self.measured - 1


def checks(points: Sequence[Point]) -> list[Check]:
    """Predict every measured rate from the costs of its own messages.

    The rehearsal does not measure these. It is predicted with the costs of the HTTP scenario.
    """
    found = []
    for point in points:
        if point.scenario == REHEARSAL:
            costs = costs_of(points, HTTP, point.database)
        elif point.scenario in {SEND, HTTP}:
            costs = own_costs(point)
        else:
            continue
        found.append(Check(point, predict(costs, deployment_of(point))))
    return found
