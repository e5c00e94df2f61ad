"""Prometheus metrics of the API. Its processes count in files that they share."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from platform import python_version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from campaign_common.database import Database
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.metrics.distribution import SECONDS
from campaign_common.store.recipients.recipient_lists import ImportTotals

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other word that a client sends as a method counts as `other`."""

IMPORT_SECONDS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)


class RequestMetrics:
    """Metrics of requests, by the route that answered them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "campaign_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "campaign_http_request_duration_seconds",
            "From the complete request to the beginning of the response",
            ["method", "route"],
            buckets=SECONDS,
            registry=registry,
        )

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request; `route` None: the path is none of the API's."""
        method = method if method in METHODS else "other"
        route = route or "none"
        self._requests.labels(method, route, f"{status // 100}xx").inc()
        self._seconds.labels(method, route).observe(seconds)


class CallbackMetrics:
    """Counters of callbacks of providers, and of the receipts and messages in them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._callbacks = Counter(
            "campaign_callbacks",
            "Callbacks of providers answered; without a provider: to a name that has none",
            ["provider", "result"],
            registry=registry,
        )
        self._receipts = Counter(
            "campaign_callback_receipts",
            "Receipts in verified callbacks, before they are written",
            ["provider", "rank"],
            registry=registry,
        )
        self._unknown = Counter(
            "campaign_callback_unknown",
            "Things in verified callbacks that change nothing",
            ["provider", "kind"],
            registry=registry,
        )
        self._written = Counter(
            "campaign_receipts_written",
            "Receipts whose transaction is committed, by what they have changed",
            ["result"],
            registry=registry,
        )
        self._inbound = Counter(
            "campaign_inbound_messages",
            "Inbound messages stored; keyword is stop, start, help, unsure or none",
            ["provider", "keyword"],
            registry=registry,
        )
        self._repeated = Counter(
            "campaign_inbound_repeated",
            "Inbound messages that were stored before and are reported again",
            ["provider"],
            registry=registry,
        )

    def stored_inbound(self, provider: str, keyword: str, number: int) -> None:
        """Count inbound messages after their commit; `keyword`: also `unsure` and `none`."""
        self._inbound.labels(provider, keyword).inc(number)

    def repeated_inbound(self, provider: str, number: int) -> None:
        """Count inbound messages that were stored before."""
        self._repeated.labels(provider).inc(number)

    def answered(self, provider: str, result: str) -> None:
        """Count a callback; `provider` is a configured name, or empty."""
        self._callbacks.labels(provider, result).inc()

    def received(self, provider: str, rank: ReceiptRank, number: int) -> None:
        """Count receipts in a verified callback."""
        self._receipts.labels(provider, rank.word).inc(number)

    def not_understood(self, provider: str, kind: str, number: int) -> None:
        """Count what a verified callback contains and nothing is done about."""
        self._unknown.labels(provider, kind).inc(number)

    def written(self, result: str, number: int) -> None:
        """Count receipts after their commit."""
        self._written.labels(result).inc(number)


class ImportMetrics:
    """Metrics of imports of recipient lists, and of their rows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._running = Gauge(
            "campaign_imports_running",
            "Running imports",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._failed = Counter(
            "campaign_imports_failed",
            "Imports that began and created no list",
            registry=registry,
        )
        self._seconds = Histogram(
            "campaign_import_duration_seconds",
            "Duration of imports that created a list",
            buckets=IMPORT_SECONDS,
            registry=registry,
        )
        rows = Counter(
            "campaign_import_rows", "Data rows of created lists", ["result"], registry=registry
        )
        # There from the start with 0, so that the first import is seen as an increase.
        self._rows = [rows.labels(result) for result in ("accepted", "duplicate", "rejected")]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count an import as under way for the time of the block, and as failed if it raises."""
        with (
            self._running.track_inprogress(),
            self._failed.count_exceptions(BaseException),
        ):
            yield

    def made(self, totals: ImportTotals, seconds: float) -> None:
        """Count a list that was made."""
        self._seconds.observe(seconds)
        for counter, rows in zip(self._rows, totals, strict=True):
            counter.inc(rows)


class WorkerMetrics:
    """Metrics of one worker process: its version and its database connections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._in_use = Gauge(
            "campaign_database_connections_in_use",
            "Connections in use",
            ["server"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._limit = Gauge(
            "campaign_database_connections_limit",
            "Limit of connections (Mysql.Active)",
            ["server"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._exhausted = Counter(
            "campaign_database_connection_timeouts",
            "Waits for a free connection that timed out",
            ["server"],
            registry=registry,
        )
        build = Gauge(
            "campaign_build_info",
            "1; the labels name the service and its versions",
            ["service", "version", "python"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        build.labels("api", version("camp-mgr"), python_version()).set(1)
        self._exhausted_before: dict[str, int] = {}

    def update(self, database: Database) -> None:
        """Update the metrics of a server's connection pool."""
        name, exhausted = database.name, database.exhausted
        self._in_use.labels(name).set(database.in_use)
        self._limit.labels(name).set(database.settings.active)
        self._exhausted.labels(name).inc(exhausted - self._exhausted_before.get(name, 0))
        self._exhausted_before[name] = exhausted


class ApiMetrics:
    """The metrics that the application counts."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.requests = RequestMetrics(registry)
        self.imports = ImportMetrics(registry)
        self.callbacks = CallbackMetrics(registry)
