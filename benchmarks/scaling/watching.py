"""Lag, replicas and calls over time while the autoscaler is at work."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from confluent_kafka.admin import AdminClient

from benchmarks.results import Points
from benchmarks.scaling.rule import Autoscaler, Rule
from benchmarks.system import SHARDS, System
from campaign_common.kafka.topics import committed_offsets, log_ends
from local_stack.configuration import Addresses
from local_stack.servers.kafka import quiet_admin


@dataclass
class History:
    """Observations over time."""

    lag: Points = field(default_factory=list)
    polled: Points = field(default_factory=list)
    """The lag that the autoscaler polled last."""
    wanted: Points = field(default_factory=list)
    working: Points = field(default_factory=list)
    """Senders that have partitions, as the group's coordinator sees them."""
    calls: Points = field(default_factory=list)
    """Sends in flight at the provider."""
    outcomes: Points = field(default_factory=list)


class LagReader:
    """The consumer group's lag and members, read from Kafka as KEDA does."""

    def __init__(self, addresses: Addresses, partitions: int) -> None:
        self._admin: AdminClient = quiet_admin(addresses.brokers)
        self._addresses = addresses
        self._partitions = range(partitions)

    def lag(self) -> int:
        """Sum the lag of all partitions; one without a commit counts from its start."""
        ends = log_ends(self._admin, self._addresses.topic, self._partitions)
        committed = committed_offsets(self._admin, self._addresses.group, self._addresses.topic)
        return sum(max(end - committed.get(number, 0), 0) for number, end in ends.items())

    def working(self) -> int:
        """Count the members that partitions are assigned to."""
        described = self._admin.describe_consumer_groups([self._addresses.group])
        members = described[self._addresses.group].result(timeout=10).members
        return sum(bool(member.assignment.topic_partitions) for member in members)


class Watcher:
    """An observer that scales the senders when KEDA would."""

    def __init__(
        self, system: System, reader: LagReader, rule: Rule, under_way: Callable[[], int]
    ) -> None:
        self.history = History()
        self._system = system
        self._reader = reader
        self._rule = rule
        self._under_way = under_way
        self._autoscaler = Autoscaler(rule, SHARDS)
        self._began = time.monotonic()
        self._polled = self._decided = 0.0
        self._lag = 0

    @property
    def replicas(self) -> int:
        """The desired number of senders."""
        return self._system.services.senders

    @property
    def working(self) -> int:
        """The number of senders with partitions at the last observation."""
        return int(self.history.working[-1][1])

    def look(self) -> None:
        """Take an observation; poll the lag and decide when each is due."""
        now = time.monotonic() - self._began
        lag = self._reader.lag()
        history = self.history
        history.lag.append((now, lag))
        history.working.append((now, self._reader.working()))
        history.outcomes.append((now, self._system.outcomes()))
        history.calls.append((now, self._under_way()))
        if now - self._polled >= self._rule.polling_interval:
            self._polled, self._lag = now, lag
        if now - self._decided >= self._rule.step:
            self._decided = now
            self._system.services.scale_senders(
                self._autoscaler.decide(now, self._lag, self.replicas)
            )
        history.polled.append((now, self._lag))
        history.wanted.append((now, self.replicas))
