"""Metrics that every service has: its version, and its connections to the database."""

import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from campaign_common.database import Database


def registry_in_memory() -> CollectorRegistry:
    """Make a registry for counters that are kept in the memory of this process.

    The client library keeps them in files where PROMETHEUS_MULTIPROC_DIR is set, for services that
    are several processes. A service that is one process counts from 0 each time it starts.
    """
    values.ValueClass = values.MutexValue
    return CollectorRegistry()


class BuildInfo(Collector):
    """Metric of the service and its versions."""

    def __init__(self, service: str) -> None:
        self._labels = [service, version("camp-mgr"), platform.python_version()]

    def collect(self) -> Iterator[Metric]:
        """Make the metric."""
        info = GaugeMetricFamily(
            "campaign_build_info",
            "1; the labels name the service and its versions",
            labels=["service", "version", "python"],
        )
        info.add_metric(self._labels, 1)
        yield info


class PoolUse(Collector):
    """Metrics of the use of a process's pools of database connections, one a server."""

    def __init__(self, databases: Sequence[Database]) -> None:
        self._databases = databases

    def collect(self) -> Iterator[Metric]:
        """Make the metrics."""
        in_use = GaugeMetricFamily(
            "campaign_database_connections_in_use",
            "Connections of the pool at work now",
            labels=["server"],
        )
        limit = GaugeMetricFamily(
            "campaign_database_connections_limit",
            "Connections that the pool may have (Mysql.Active)",
            labels=["server"],
        )
        exhausted = CounterMetricFamily(
            "campaign_database_connection_timeouts",
            "Waits for a connection that ended without one",
            labels=["server"],
        )
        for database in self._databases:
            in_use.add_metric([database.name], database.in_use)
            limit.add_metric([database.name], database.settings.active)
            exhausted.add_metric([database.name], database.exhausted)
        yield from (in_use, limit, exhausted)
