"""The keys of the YAML file; README.md and deploy/campmgr.yaml explain each.

A key that the file leaves out takes its default from the dataclass that its schema makes.
"""

from types import MappingProxyType

from marshmallow import Schema, ValidationError, post_load, validates_schema

from campaign_common.campaign import Delivery
from campaign_common.settings import model
from campaign_common.settings.fields import (
    DAY,
    DataSourceName,
    Duration,
    Flag,
    Folder,
    Fraction,
    Milliseconds,
    SecurityProperties,
    Words,
    choice,
    integer,
    member,
    text,
)
from campaign_common.settings.http_fields import (
    Answers,
    CollectorUrl,
    HeaderValue,
    HttpUrl,
    Networks,
    PemFile,
)
from campaign_common.settings.retry_schema import RetrySchema
from campaign_common.settings.sections import SECTION, UNKNOWN, Loaded, SectionSchema, section
from campaign_common.settings.server_fields import ShardServers, refuse_shared


class MysqlSchema(SectionSchema):
    """Mysql: where the truth is kept."""

    makes = model.MysqlSettings
    addr = text("Addr")
    dsn = DataSourceName("DSN")
    active = integer("Active", 1, 10_000)
    idle = integer("Idle", 0, 10_000)
    idle_timeout = Duration("IdleTimeout", low=1.0)
    query_timeout = Duration("QueryTimeout", low=0.1, high=DAY)
    exec_timeout = Duration("ExecTimeout", low=0.1, high=DAY)
    tran_timeout = Duration("TranTimeout", low=0.1, high=DAY)


class SyncClientSchema(SectionSchema):
    """SyncClient: the scheduler's producer."""

    makes = model.SyncClientSettings
    topic = text("Topic", longest=249)
    brokers = Words("Brokers", "host:port", required=True)


class SendClientSchema(SectionSchema):
    """SendClient: the senders' consumer group."""

    makes = model.SendClientSettings
    topics = Words("Topics", "topic names", required=False)
    brokers = Words("Brokers", "host:port", required=True)
    group = text("Group")
    group_protocol = choice("GroupProtocol", "auto", "consumer", "classic")


class LatencySchema(SectionSchema):
    """Simulated.Latency: how long the simulated provider takes."""

    makes = model.LatencySettings
    distribution = member("Distribution", model.Distribution)
    mean = Duration("Mean", low=0.0, high=600.0)
    spread = Duration("Spread", low=0.0, high=600.0)

    @validates_schema(skip_on_field_errors=True)
    def _mean_of_lognormal(self, loaded: Loaded, **_: object) -> None:
        latency = model.LatencySettings(**loaded)
        if latency.distribution is model.Distribution.LOGNORMAL and latency.mean == 0:
            raise ValidationError({"Mean": ["expected more than zero for a lognormal latency"]})


class FailureRatesSchema(Schema):
    """Simulated.FailureRates: the share of calls that end in each error class."""

    error_messages = {"unknown": UNKNOWN, "type": SECTION}  # noqa: RUF012 - marshmallow's type
    permanent = Fraction("permanent")
    retryable = Fraction("retryable")
    throttled = Fraction("throttled")
    ambiguous = Fraction("ambiguous")

    @post_load
    def _freeze(self, loaded: Loaded, **_: object) -> MappingProxyType[str, float]:
        if sum(loaded.values()) > 1:
            raise ValidationError("expected rates that add up to 1 at most")
        return MappingProxyType({kind: rate for kind, rate in loaded.items() if rate})


class SimulatedSchema(SectionSchema):
    """Simulated: the provider that sends nothing."""

    makes = model.SimulatedSettings
    seed = integer("Seed", 0, 2**63 - 1)
    latency = section("Latency", LatencySchema)
    failure_rates = section("FailureRates", FailureRatesSchema)


class HttpSchema(SectionSchema):
    """Http: the provider that POSTs each message to a URL."""

    makes = model.HttpSettings
    url = HttpUrl("Url", optional=True)
    authorization = HeaderValue("Authorization", optional=True)
    connections = integer("Connections", 1, 10_000)
    connect_timeout = Duration("ConnectTimeout", low=0.01, high=600.0)
    timeout = Duration("Timeout", low=0.01, high=600.0)
    idle_timeout = Duration("IdleTimeout", low=0.01, high=3600.0)
    ca_file = PemFile("CaFile", optional=True)
    allowed_networks = Networks("AllowedNetworks")
    idempotent = Flag("Idempotent")
    message_id_field = text("MessageIdField")
    answers = Answers("Answers")


class SchedulerSchema(SectionSchema):
    """Scheduler: the pace of start and fan-out."""

    makes = model.SchedulerSettings
    poll_interval = Duration("PollInterval", low=0.01, high=60.0)
    lease = Duration("Lease", low=1.0, high=3600.0)
    chunk_size = integer("ChunkSize", 1, 50_000)
    window = Duration("Window", low=0.5, high=600.0)
    standstill = Duration("Standstill", low=1.0, high=86_400.0)


class SenderSchema(SectionSchema):
    """Sender: what one sender holds at most."""

    makes = model.SenderSettings
    in_flight = integer("InFlight", 1, 100_000)
    batch_size = integer("BatchSize", 1, 20_000)


class ImportSchema(SectionSchema):
    """Import: bounds of the CSV import."""

    makes = model.ImportSettings
    batch_rows = integer("BatchRows", 1, 20_000)
    max_line_bytes = integer("MaxLineBytes", 256, 1_048_576)
    max_columns = integer("MaxColumns", 2, 1_000)
    max_field_length = integer("MaxFieldLength", 16, 65_536)


class ApiSchema(SectionSchema):
    """Api: bounds of what clients may ask for."""

    makes = model.ApiSettings
    max_body_bytes = integer("MaxBodyBytes", 1_024, 16 * 1024**2)
    max_upload_bytes = integer("MaxUploadBytes", 1_024, 1024**4)
    max_upload_rows = integer("MaxUploadRows", 1, 2**32 - 1)
    max_imports = integer("MaxImports", 1, 1_024)
    max_template_length = integer("MaxTemplateLength", 1, 16_000)
    max_page_size = integer("MaxPageSize", 1, 1_000)
    max_headers = integer("MaxHeaders", 8, 1_000)
    requests_per_minute = integer("RequestsPerMinute", 1, 10_000_000)
    test_messages_per_minute = integer("TestMessagesPerMinute", 1, 10_000_000)


class LogSchema(SectionSchema):
    """Log: what is logged, and how it looks."""

    makes = model.LogSettings
    level = choice("Level", "debug", "info", "warning", "error")
    format = choice("Format", "auto", "json", "text")


class TracingSchema(SectionSchema):
    """Tracing: where traces go."""

    makes = model.TracingSettings
    endpoint = CollectorUrl("Endpoint", optional=True)


class SettingsSchema(SectionSchema):
    """The whole file."""

    makes = model.Settings
    name = text("Name", longest=64)
    host = text("Host")
    port = integer("Port", 0, 65_535)
    health_port = integer("HealthPort", 0, 65_535)
    metrics_port = integer("MetricsPort", 0, 65_535)
    timeout = Milliseconds("Timeout", 100, 86_400_000)
    workers = integer("Workers", 1, 256)
    threads = integer("Threads", 1, 1_024)
    auth = choice("Auth", "keys", "none")
    mysql = section("Mysql", MysqlSchema, required=True)
    mysql_shards = ShardServers("MysqlShards")
    sync_client = section("SyncClient", SyncClientSchema, required=True)
    send_client = section("SendClient", SendClientSchema, required=True)
    msg_table_sharding_size = integer("MsgTableShardingSize", 1, 256)
    csv_root = Folder("CsvRoot")
    delivery = member("Delivery", Delivery)
    provider = choice("Provider", "simulated", "http")
    simulated = section("Simulated", SimulatedSchema)
    http = section("Http", HttpSchema)
    retry = section("Retry", RetrySchema)
    scheduler = section("Scheduler", SchedulerSchema)
    sender = section("Sender", SenderSchema)
    import_ = section("Import", ImportSchema)
    api = section("Api", ApiSchema)
    drain_timeout = Duration("DrainTimeout", low=0.1, high=3600.0)
    kafka_properties = SecurityProperties("KafkaProperties")
    log = section("Log", LogSchema)
    tracing = section("Tracing", TracingSchema)

    @validates_schema(skip_on_field_errors=True)
    def _one_topic(self, loaded: Loaded, **_: object) -> None:
        """Each shard has one owner only while one topic carries all of them."""
        topic = loaded["sync_client"].topic
        topics = loaded["send_client"].topics
        if topics and topics != (topic,):
            message = (
                f"expected exactly the topic of SyncClient, [{topic}]: one topic per system, "
                "so that each shard has one owner"
            )
            raise ValidationError({"SendClient": {"Topics": [message]}})

    @validates_schema(skip_on_field_errors=True)
    def _servers(self, loaded: Loaded, **_: object) -> None:
        try:
            refuse_shared(loaded["mysql"], loaded.get("mysql_shards", ()))
        except ValidationError as error:
            raise ValidationError({"MysqlShards": error.messages}) from error

    @validates_schema(skip_on_field_errors=True)
    def _http_provider(self, loaded: Loaded, **_: object) -> None:
        http = loaded.get("http", model.HttpSettings())
        if http.url is None:
            if loaded.get("provider") == "http":
                message = "the key is missing; Provider http needs to know where messages go"
                raise ValidationError({"Http": {"Url": [message]}})
        elif http.timeout >= loaded.get("drain_timeout", model.Settings.drain_timeout):
            message = "expected less than DrainTimeout, so that a stop can wait for every call"
            raise ValidationError({"Http": {"Timeout": [message]}})
