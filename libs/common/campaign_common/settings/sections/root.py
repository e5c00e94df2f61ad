"""The whole configuration, of which every service reads the same file; times are in seconds."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.routing.routes import Routes
from campaign_common.domain.suppressions.hard_bounces import HardBounces
from campaign_common.settings.declaration import Conflict, Section, SectionList, key, section_class
from campaign_common.settings.fields.http import Network, Networks, OriginUrl
from campaign_common.settings.fields.plain import (
    Choice,
    Duration,
    FilePath,
    Int,
    Member,
    Milliseconds,
    String,
    Switch,
)
from campaign_common.settings.fields.servers import MOST_SHARDS, SecurityProperties
from campaign_common.settings.sections.callbacks import CallbacksSettings
from campaign_common.settings.sections.callbacks_of_providers import (
    callbacks_conflicts,
    secrets_conflicts,
)
from campaign_common.settings.sections.oidc import OidcSettings
from campaign_common.settings.sections.people.erasure import ErasureSettings
from campaign_common.settings.sections.people.inbound import InboundSettings
from campaign_common.settings.sections.people.suppressions import ONE_PROVIDER, SuppressionsSettings
from campaign_common.settings.sections.people.unsubscribe import UnsubscribeSettings
from campaign_common.settings.sections.processes import (
    ApiSettings,
    ImportSettings,
    LogSettings,
    SchedulerSettings,
    SenderSettings,
    TracingSettings,
)
from campaign_common.settings.sections.providers.http import HttpSettings
from campaign_common.settings.sections.providers.map import ProviderMap
from campaign_common.settings.sections.providers.request import HttpProviderSettings
from campaign_common.settings.sections.providers.simulated import SimulatedSettings
from campaign_common.settings.sections.receipts import ReceiptsSettings
from campaign_common.settings.sections.retry import RetrySettings
from campaign_common.settings.sections.routes import RouteMap, RouteSettings
from campaign_common.settings.sections.servers import (
    MysqlSettings,
    SendClientSettings,
    ShardServerSettings,
    SyncClientSettings,
    shared_servers,
)
from campaign_common.settings.sections.webhooks import WebhooksSettings


@section_class
class Settings:
    """The configuration of one service."""

    name: str = key("Name", String(longest=64), default="camp-mgr", original=True)
    """A name for this installation, which stands in answers and logs."""
    host: str = key("Host", String(), default="0.0.0.0", original=True)  # noqa: S104 - as the original
    """The address that the API listens on. `::` is every address, IPv6 too."""
    port: int = key("Port", Int(0, 65_535), default=10001, original=True)
    """The API's port; 0 takes any free one."""
    health_port: int = key("HealthPort", Int(0, 65_535), default=0)
    """The port, at `Host`, of a scheduler's or a sender's health checks; 0: none. See below."""
    metrics_port: int = key("MetricsPort", Int(0, 65_535), default=0)
    """The port, at `Host`, where every service answers `GET /metrics` for Prometheus; 0: none. See
    below, and [metrics](metrics.md)."""
    callback_port: int = key("CallbackPort", Int(0, 65_535), default=0)
    """A port of the API, at `Host`, for callbacks of providers and nothing else, which may be
    exposed where `Port` is not; 0: none. `Port` takes them in either case. See
    [callbacks](../operations/callbacks.md)."""
    timeout: float = key("Timeout", Milliseconds(100, 86_400_000), default=120_000, original=True)
    """The time without progress after which a request of the API is given up, such as an import
    during an outage of the database, or a client that sends and reads nothing."""
    workers: int = key("Workers", Int(1, 256), default=2)
    """Processes of the API."""
    threads: int = key("Threads", Int(1, 1_024), default=32)
    """Threads of each process of the API: requests that it works on at a time. Connections and slow
    clients need none; [places](../guides/access.md#limits) for long work are shares of them."""
    auth: Literal["keys", "none"] = key("Auth", Choice("keys", "none"), default="keys")
    """`keys`: requests carry an API key; `none`: every request is let in. See
    [access](../guides/access.md)."""
    dashboard: Literal["on", "off", "only"] = key(
        "Dashboard", Switch("on", "off", "only"), default="on"
    )
    """The pages of the API for people, at `/`: `on`, `off`, or `only` them, without `/v1`. See
    [dashboard](../guides/dashboard.md)."""
    public_url: str | None = key("PublicUrl", OriginUrl(), default=None)
    """The URL at which people open the dashboard, without a path; `null`: they do so on the API's
    own machine. Elsewhere it has to be https."""
    trusted_proxies: tuple[Network, ...] = key("TrustedProxies", Networks(), default=[])
    """Networks of the proxies in front of the dashboard, whose `X-Forwarded-For` tells where people
    come from: failed sign-ins are counted by that address. From elsewhere the header is ignored."""
    oidc: OidcSettings = key("Oidc", Section(OidcSettings), default={})
    mysql: MysqlSettings = key("Mysql", Section(MysqlSettings))
    mysql_shards: tuple[ShardServerSettings, ...] = key(
        "MysqlShards",
        SectionList(ShardServerSettings, "list of sections with DSN and Shards"),
        default=[],
    )
    """Further database servers, and the shards that each of them holds. The server of `Mysql` holds
    all others. See below."""
    sync_client: SyncClientSettings = key("SyncClient", Section(SyncClientSettings))
    send_client: SendClientSettings = key("SendClient", Section(SendClientSettings))
    msg_table_sharding_size: int = key(
        "MsgTableShardingSize", Int(1, MOST_SHARDS), default=8, original=True
    )
    """Shards: ledger tables `messages_0` … and the useful maximum of partitions and senders. A
    campaign keeps the number it started with; `campaign-db migrate` makes the tables of a larger
    one, and running senders take the new shards over."""
    csv_root: Path = key("CsvRoot", FilePath("folder"), default=".")
    """The folder under which `csv_file_path` is resolved; a path that leads out of it is refused.
    It should hold nothing but lists; see below."""
    delivery: Delivery = key("Delivery", Member(Delivery), default="at_least_once")
    """The treatment of messages that a lost sender was sending: sent again under the same
    idempotency key, or ended as `unknown`. See [protocol](../concepts/protocol.md), rules 3 and 16.
    A campaign takes the value over when it is created."""
    provider: str = key("Provider", String(longest=32), default="simulated")
    """The provider that delivers messages: `simulated`, `http`, or a name below `Providers`; or a
    name below `Routes`. A campaign takes the value over when it is created, if it names none."""
    providers: Mapping[str, HttpProviderSettings | SimulatedSettings] = key(
        "Providers", ProviderMap(), default={}
    )
    """Further providers, by names of 1 to 32 characters of a-z, 0-9, _ and -."""
    route_settings: Mapping[str, RouteSettings] = key("Routes", RouteMap(), default={})
    """Routes, by names that no provider has: campaigns name one where they may name a provider.
    See [routes](../guides/routes.md)."""
    callbacks: CallbacksSettings = key("Callbacks", Section(CallbacksSettings), default={})
    unsubscribe: UnsubscribeSettings = key("Unsubscribe", Section(UnsubscribeSettings), default={})
    simulated: SimulatedSettings = key("Simulated", Section(SimulatedSettings), default={})
    http: HttpSettings = key("Http", Section(HttpSettings), default={})
    receipts: ReceiptsSettings = key("Receipts", Section(ReceiptsSettings), default={})
    retry: RetrySettings = key("Retry", Section(RetrySettings), default={})
    scheduler: SchedulerSettings = key("Scheduler", Section(SchedulerSettings), default={})
    sender: SenderSettings = key("Sender", Section(SenderSettings), default={})
    import_: ImportSettings = key("Import", Section(ImportSettings), default={})
    api: ApiSettings = key("Api", Section(ApiSettings), default={})
    erasure: ErasureSettings = key("Erasure", Section(ErasureSettings), default={})
    suppressions: SuppressionsSettings = key(
        "Suppressions", Section(SuppressionsSettings), default={}
    )
    inbound: InboundSettings = key("Inbound", Section(InboundSettings), default={})
    drain_timeout: float = key("DrainTimeout", Duration("100ms", "1h"), default="20s")
    """The time in which a service that was told to stop finishes what it has begun."""
    kafka_properties: Mapping[str, str] = key("KafkaProperties", SecurityProperties(), default={})
    """Security properties for librdkafka: `security.*`, `sasl.*`, `ssl.*` and
    `enable.ssl.certificate.verification`. See below."""
    webhooks: WebhooksSettings = key("Webhooks", Section(WebhooksSettings), default={})
    log: LogSettings = key("Log", Section(LogSettings), default={})
    tracing: TracingSettings = key("Tracing", Section(TracingSettings), default={})
    sources: tuple[Path, ...] = field(default=(), compare=False)
    """The files that these values come from: the configuration first, then those of secrets."""
    notes: tuple[str, ...] = ()
    """Remarks on this configuration for an operator; services log them at start."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what is wrong between sections."""
        known = [*self.configured_providers, *self.route_settings]
        if self.provider not in known and self.provider != "http":
            yield ("Provider",), f"expected one of {', '.join(known)}"
        if self.provider == "http" and "http" not in self.configured_providers:
            message = "the key is missing; Provider http needs to know where messages go"
            yield ("Http", "Url"), message
        if self.http.url is not None and self.http.timeout >= self.drain_timeout:
            message = "expected less than DrainTimeout, so that a stop can wait for every send"
            yield ("Http", "Timeout"), message
        if self.oidc.issuer is not None and self.public_url is None:
            message = "the key is missing; Oidc needs to know where people come back to"
            yield ("PublicUrl",), message
        if self.oidc.issuer is not None and self.auth == "none":
            yield ("Oidc", "Issuer"), "expected null: with Auth none there is no sign-in"
        yield from self._providers_conflicts()
        yield from self._routes_conflicts()
        yield from callbacks_conflicts(self.callbacks, self.providers)
        if self.http.url is not None and self.http.idempotent:
            yield from secrets_conflicts(self.callbacks, "http")
        topic = self.sync_client.topic
        if self.send_client.topics not in {(), (topic,)}:
            message = (
                f"expected exactly the topic of SyncClient, [{topic}]: one topic per system, "
                "so that each shard has one owner"
            )
            yield ("SendClient", "Topics"), message
        yield from shared_servers(self.mysql, self.mysql_shards)

    @property
    def configured_providers(
        self,
    ) -> Mapping[str, HttpProviderSettings | HttpSettings | SimulatedSettings]:
        """All providers by name: those of `Providers`, of `Simulated`, and of `Http` with a URL."""
        http = {} if self.http.url is None else {"http": self.http}
        return {"simulated": self.simulated, **http, **self.providers}

    def originator_of(self, provider: str) -> str | None:
        """Return the originator of a provider's messages that have none of their own."""
        found = self.providers.get(provider)
        return found.from_ if isinstance(found, HttpProviderSettings) else None

    @property
    def providers_with_callbacks(self) -> Mapping[str, HttpProviderSettings]:
        """The providers that have callbacks, by name; none without `Callbacks.BaseUrl`."""
        if self.callbacks.base_url is None:
            return {}
        return {
            name: provider
            for name, provider in self.providers.items()
            if isinstance(provider, HttpProviderSettings) and provider.callbacks is not None
        }

    @property
    def receipt_timeouts(self) -> Mapping[str, float]:
        """Seconds in which final receipts of a provider come, for those that have such a time."""
        return {
            name: provider.callbacks.receipt_timeout
            for name, provider in self.providers_with_callbacks.items()
            if provider.callbacks is not None and provider.callbacks.receipt_timeout is not None
        }

    @property
    def hard_bounces(self) -> HardBounces | None:
        """The hard bounces that suppress people; None: none do."""
        settings = self.suppressions.hard_bounces
        codes = {
            name: frozenset(provider.callbacks.hard_bounces)
            for name, provider in self.providers_with_callbacks.items()
            if provider.callbacks is not None and provider.callbacks.hard_bounces
        }
        if settings.after is None or not codes:
            return None
        of_each = settings.scope == ONE_PROVIDER
        return HardBounces(settings.after, codes, of_each=of_each, lasts=settings.duration)

    @property
    def routes(self) -> Routes:
        """All routes by name."""
        return Routes(
            {name: route.route for name, route in self.route_settings.items()},
            {name: route.prefixes for name, route in self.route_settings.items()},
        )

    def _routes_conflicts(self) -> Iterator[Conflict]:
        known = self.configured_providers
        targets = {*known, *(n for n, route in self.route_settings.items() if not route.prefixes)}
        for name, route in self.route_settings.items():
            if name in known or name == "http":
                yield ("Routes", name), "expected a name that no provider has"
            if route.after_doubt and self.delivery is Delivery.AT_MOST_ONCE:
                message = "expected false: with Delivery at_most_once nothing is sent after doubt"
                yield ("Routes", name, "AfterDoubt"), message
            if not route.choose:
                yield ("Routes", name, "Choose"), "expected one provider at least"
            chosen = [choice.provider for choice in route.choose]
            for of, names, among in (
                ("Choose", chosen, known),
                ("Failover", route.failover, known),
                ("Prefixes", route.prefixes.values(), targets),
            ):
                unknown = [each for each in names if each not in among]
                if unknown:
                    expected = f"expected {', '.join(sorted(among))} instead of {unknown[0]}"
                    yield ("Routes", name, of), expected
            if len(set(chosen)) < len(chosen) or len(set(route.failover)) < len(route.failover):
                yield ("Routes", name), "expected each provider once"

    def _providers_conflicts(self) -> Iterator[Conflict]:
        if "http" in self.providers and self.http.url is not None:
            yield ("Providers", "http"), "expected another name beside Http, which has this one"
        if "simulated" in self.providers and self.simulated != SimulatedSettings():
            message = "expected another name beside Simulated, which has this one"
            yield ("Providers", "simulated"), message
        for name, provider in self.providers.items():
            timeout = provider.timeout if isinstance(provider, HttpProviderSettings) else 0.0
            if timeout >= self.drain_timeout:
                message = "expected less than DrainTimeout, so that a stop can wait for every send"
                yield ("Providers", name, "Timeout"), message
