"""Http: the provider that POSTs each message to a URL, and what it shares with others over HTTP."""

from dataclasses import field
from pathlib import Path

from campaign_common.domain.content.campaign_content import TEXT_ONLY, ContentSupport
from campaign_common.domain.content.price import Price
from campaign_common.settings.declaration import key, section_class
from campaign_common.settings.fields.answers import DEFAULT_ANSWERS
from campaign_common.settings.fields.http import HeaderValue, HttpUrl, Network, Networks
from campaign_common.settings.fields.plain import Duration, FilePath, Flag, Int, String
from campaign_common.settings.fields.price import PriceField
from campaign_common.settings.sections.providers.answers import AnswerRules, Answers
from campaign_common.settings.sections.providers.limits import LimitedSettings


@section_class
class HttpConnectionSettings(LimitedSettings):
    """The connections of a provider over HTTP."""

    connections: int = key("Connections", Int(1, 10_000), default=256)
    """Requests that one sender has under way at most, each on a kept-alive connection of its own.
    At a latency of 50 ms a connection carries about 20 messages a second."""
    connect_timeout: float = key("ConnectTimeout", Duration("10ms", "10m"), default="5s")
    """The time limit of resolving the name, connecting and the TLS handshake. Nothing is written
    before, so a message whose connection fails is retried in both delivery modes."""
    timeout: float = key("Timeout", Duration("10ms", "10m"), default="10s")
    """The time limit from the first byte of a request to the last one of its answer, less than
    `DrainTimeout`. After it, it is not known whether the message was taken."""
    idle_timeout: float = key("IdleTimeout", Duration("10ms", "1h"), default="4s")
    """A connection that was unused for longer is closed. Keep it below the provider's own limit: a
    connection that the provider closes under a request leaves a doubt."""
    ca_file: Path | None = key("CaFile", FilePath("PEM file", null=True), default=None)
    """The authorities that are trusted; `null`: those of the system. Certificate and host name are
    always verified."""
    allowed_networks: tuple[Network, ...] = key("AllowedNetworks", Networks(), default=[])
    """Networks that requests may go to although they are not public, such as 10.1.0.0/16. Private,
    loopback, link-local and other addresses that are not public are refused otherwise; the address
    that is checked is the one connected to."""
    price: Price | None = key("Price", PriceField(), default=None)
    """The price of a segment by prefix of the number, such as
    `{Currency: EUR, PerSegment: {"49": 0.07, default: 0.1}}`: the longest prefix decides. Dry runs
    and progress add it up; `null`: they have no cost."""


@section_class
class HttpTarget:
    """The URL of the provider with a fixed body."""

    url: str | None = key("Url", HttpUrl(), default=None)
    """The URL that messages are posted to, such as https://sms.example.com/messages. Without it the
    provider is not there. Not logged beyond host and port; a check shows it, but for credentials in
    its query and for tokens in its path."""
    authorization: str | None = key("Authorization", HeaderValue(), default=None)
    """The value of the `Authorization` header, such as Bearer and a token. Best given as a file:
    `CAMP__HTTP__AUTHORIZATION_FILE`, which is read again when it changes."""
    authorization_file: Path | None = field(default=None, compare=False)
    """File that `authorization` was read from; None: it was given as such."""


@section_class
class HttpSettings(HttpConnectionSettings, HttpTarget):
    """The provider that POSTs each message to a URL."""

    idempotent: bool = key("Idempotent", Flag(), default=False)
    """`true` where the gateway answers an `Idempotency-Key` that it has seen as it did the first
    time. Where it does not, a permanent answer to a repeated message is no proof that an earlier
    send was not taken: such a message ends as `unknown`, with the answer as its error code."""
    message_id_field: str = key("MessageIdField", String(), default="id")
    """The field of the answer's JSON with the provider's own id; dots lead into objects, as in
    `data.id`. The id is stored if it is at most 128 ASCII characters."""
    answers: AnswerRules = key("Answers", Answers(), default=DEFAULT_ANSWERS)
    """The meaning of answers: a mapping of status codes to success, permanent, retryable,
    throttled, ambiguous or account, where a single code goes before its class, or a list of rules;
    see below."""

    @property
    def content_support(self) -> ContentSupport:
        """The content that its fixed body has a place for."""
        return TEXT_ONLY
