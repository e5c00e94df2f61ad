"""The configuration as typed, frozen values; times are in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from campaign_common.campaign import Delivery
from campaign_common.dsn import Dsn

MINUTE = 60.0
HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class MysqlSettings:
    """The database, and how long anybody waits for it."""

    dsn: Dsn
    addr: str | None = None
    """The original's second mention of the address; the DSN decides."""
    active: int = 64
    """Connections open at most."""
    idle: int = 64
    """Connections kept open while nobody uses them, at most."""
    idle_timeout: float = 4 * HOUR
    """A connection unused for longer is closed before it is used again."""
    query_timeout: float = 5.0
    """A SELECT."""
    exec_timeout: float = 5.0
    """Any other statement."""
    tran_timeout: float = 5.0
    """A transaction from BEGIN to COMMIT, and the wait for a free connection."""


@dataclass(frozen=True, kw_only=True)
class ShardServerSettings:
    """A further database server, and the shards that live there instead of on the main one."""

    dsn: Dsn
    shards: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SyncClientSettings:
    """Where the scheduler publishes."""

    brokers: tuple[str, ...]
    topic: str = "Sync-Msg-T"


@dataclass(frozen=True, kw_only=True)
class SendClientSettings:
    """What the senders consume, and as which group."""

    brokers: tuple[str, ...]
    topics: tuple[str, ...] = ()
    """Exactly the topic of SyncClient; filled in when the file leaves it out."""
    group: str = "Msg-Consumer-G"
    group_protocol: Literal["auto", "consumer", "classic"] = "auto"


class Distribution(StrEnum):
    """How the simulated provider's latency is distributed."""

    NONE = "none"
    CONSTANT = "constant"
    UNIFORM = "uniform"
    LOGNORMAL = "lognormal"


@dataclass(frozen=True, kw_only=True)
class LatencySettings:
    """The latency of the simulated provider: `mean` seconds, varying by `spread` seconds."""

    distribution: Distribution = Distribution.NONE
    mean: float = 0.05
    spread: float = 0.01


@dataclass(frozen=True, kw_only=True)
class SimulatedSettings:
    """The simulated provider: what it answers is a function of the message and `seed`."""

    seed: int = 0
    latency: LatencySettings = field(default_factory=LatencySettings)
    failure_rates: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Share of calls, 0 to 1, that end in an error class; a class left out has none."""


class AnswerWord(StrEnum):
    """What a status code of an HTTP provider means for the message."""

    SUCCESS = "success"
    PERMANENT = "permanent"
    RETRYABLE = "retryable"
    """Proves that the message was not taken."""
    THROTTLED = "throttled"
    """As retryable, for lack of capacity."""
    AMBIGUOUS = "ambiguous"


DEFAULT_ANSWERS: Mapping[str, AnswerWord] = MappingProxyType(
    {
        "2xx": AnswerWord.SUCCESS,
        "3xx": AnswerWord.PERMANENT,
        "4xx": AnswerWord.PERMANENT,
        "401": AnswerWord.RETRYABLE,
        "408": AnswerWord.RETRYABLE,
        "409": AnswerWord.AMBIGUOUS,
        "425": AnswerWord.RETRYABLE,
        "429": AnswerWord.THROTTLED,
        "5xx": AnswerWord.AMBIGUOUS,
    }
)
"""A server or gateway that answers 5xx may have taken the message, 503 included."""


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """The provider that POSTs each message to a URL."""

    url: str | None = field(default=None, repr=False)
    """Where to; None: nobody uses this provider. Its query may be a secret, so it is not shown."""
    authorization: str | None = field(default=None, repr=False)
    """The value of the Authorization header."""
    connections: int = 256
    """Calls that one sender has under way at most, each on a connection of its own."""
    connect_timeout: float = 5.0
    """Resolving the name, connecting and the TLS handshake."""
    timeout: float = 10.0
    """From the first byte of a request to the last one of its answer."""
    idle_timeout: float = 4.0
    """A connection unused for longer is closed, before the other side does it under a request."""
    ca_file: Path | None = None
    """The authorities to trust, as PEM; None: those of the system."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that may be called although they are not public."""
    idempotent: bool = False
    """The gateway answers an idempotency key that it has seen as it did the first time."""
    message_id_field: str = "id"
    """Where the answer's JSON has the provider's own id; dots lead into objects."""
    answers: Mapping[str, AnswerWord] = field(default_factory=lambda: DEFAULT_ANSWERS)
    """What a status code, such as 429, or a class of them, such as 5xx, means."""


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often, how soon and for how long a message is tried again."""

    max_attempts: int = 5
    backoff_base: float = 1.0
    backoff_max: float = 5 * MINUTE
    max_age: float = 24 * HOUR


@dataclass(frozen=True, kw_only=True)
class RetryClassSettings:
    """What is different for one error class; None: as for the others."""

    max_attempts: int | None = None
    backoff_base: float | None = None
    backoff_max: float | None = None
    max_age: float | None = None


@dataclass(frozen=True, kw_only=True)
class RetrySettings(RetryPolicy):
    """When a message that failed for a passing reason is tried again."""

    classes: Mapping[str, RetryClassSettings] = field(default_factory=lambda: MappingProxyType({}))
    """By error class: `retryable`, `throttled`, `ambiguous`."""

    def of(self, error_class: str) -> RetryPolicy:
        """Return the policy of an error class."""
        given = self.classes.get(error_class, RetryClassSettings())
        return RetryPolicy(
            **{
                key.name: getattr(self, key.name)
                if getattr(given, key.name) is None
                else getattr(given, key.name)
                for key in fields(RetryPolicy)
            }
        )


@dataclass(frozen=True, kw_only=True)
class SchedulerSettings:
    """The scheduler's pace."""

    poll_interval: float = 0.25
    lease: float = 10.0
    chunk_size: int = 10_000
    """Recipients read and published at a time."""
    window: float = 1.0
    """Seconds of a campaign's recent rate that may be published and wait for a sender."""
    standstill: float = 60.0
    """Seconds without any outcome after which lost records are looked for."""


@dataclass(frozen=True, kw_only=True)
class SenderSettings:
    """What one sender holds at most."""

    in_flight: int = 8_000
    """Messages claimed and not yet recorded."""
    batch_size: int = 4_000
    """Messages recorded in one transaction."""


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """Bounds of the CSV import."""

    batch_rows: int = 5_000
    max_line_bytes: int = 65_536
    max_columns: int = 64
    max_field_length: int = 1_024
    """Characters of one field."""


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """Bounds of what clients of the API may ask for."""

    max_body_bytes: int = 256 * 1024
    """A request other than an upload."""
    max_upload_bytes: int = 4 * 1024**3
    """A recipient list that is uploaded."""
    max_upload_rows: int = 10_000_000
    max_imports: int = 8
    """Imports that one process runs at a time."""
    max_template_length: int = 16_000
    """Characters."""
    max_page_size: int = 1_000
    """Items of one page."""
    max_headers: int = 64
    """Header lines of a request."""
    requests_per_minute: int = 6_000
    """Of one API key, in each process."""
    test_messages_per_minute: int = 30
    """Of one API key, in each process: they go to any number."""


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"
    """`auto` is text on a terminal and JSON everywhere else."""


@dataclass(frozen=True, kw_only=True)
class TracingSettings:
    """Where traces go."""

    endpoint: str | None = None
    """The base URL of an OTLP/HTTP receiver; None: nothing is traced."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole configuration of one service; every service reads the same file."""

    mysql: MysqlSettings
    sync_client: SyncClientSettings
    send_client: SendClientSettings
    mysql_shards: tuple[ShardServerSettings, ...] = ()
    """Connections and times of these servers are those of `mysql`."""
    name: str = "camp-mgr"
    host: str = "0.0.0.0"  # noqa: S104 - the original listens everywhere; Host narrows it
    port: int = 10001
    health_port: int = 0
    """Where a scheduler or a sender answers /healthz and /readyz; 0: nowhere."""
    metrics_port: int = 0
    """Where a service answers /metrics; 0: nowhere."""
    timeout: float = 120.0
    """An API request that makes no progress for so long is given up."""
    workers: int = 2
    """Processes of the API."""
    threads: int = 32
    """Threads in each of them: requests that one process works on at a time."""
    auth: Literal["keys", "none"] = "keys"
    """`keys`: an API key is needed, except from this machine while there is none."""
    msg_table_sharding_size: int = 8
    csv_root: Path = Path()
    """The folder that every csv_file_path is resolved under."""
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    provider: Literal["simulated", "http"] = "simulated"
    simulated: SimulatedSettings = field(default_factory=SimulatedSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    scheduler: SchedulerSettings = field(default_factory=SchedulerSettings)
    sender: SenderSettings = field(default_factory=SenderSettings)
    import_: ImportSettings = field(default_factory=ImportSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    drain_timeout: float = 20.0
    """From SIGTERM to the end of the process at the latest."""
    kafka_properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Security properties handed to librdkafka as they are."""
    log: LogSettings = field(default_factory=LogSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)
    sources: tuple[Path, ...] = field(default=(), compare=False)
    """The files that these values come from: the configuration first, then those of secrets."""
    notes: tuple[str, ...] = ()
    """What an operator should know about this configuration; services log it at start."""
