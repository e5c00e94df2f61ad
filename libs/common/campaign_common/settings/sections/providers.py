"""Simulated and Http: the providers that deliver messages."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from math import fsum
from pathlib import Path

from campaign_common.domain.price import Price
from campaign_common.settings.declaration import Conflict, Section, SectionMap, key, section_class
from campaign_common.settings.fields.http import (
    DEFAULT_ANSWERS,
    Answers,
    AnswerWord,
    HeaderValue,
    HttpUrl,
    Network,
    Networks,
)
from campaign_common.settings.fields.plain import (
    Duration,
    FilePath,
    Flag,
    Fraction,
    Int,
    Member,
    String,
)
from campaign_common.settings.fields.price import PriceField


class Distribution(StrEnum):
    """Distributions of the simulated provider's latency."""

    NONE = "none"
    CONSTANT = "constant"
    UNIFORM = "uniform"
    LOGNORMAL = "lognormal"


@section_class
class LatencySettings:
    """The latency of the simulated provider."""

    distribution: Distribution = key("Distribution", Member(Distribution), default="none")
    """The distribution of the latency."""
    mean: float = key("Mean", Duration("0s", "10m"), default="50ms")
    """The mean of the latency."""
    spread: float = key("Spread", Duration("0s", "10m"), default="10ms")
    """Half the width of a `uniform` latency, or the standard deviation of a `lognormal` one."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that a lognormal distribution has no mean of zero."""
        if self.distribution is Distribution.LOGNORMAL and self.mean == 0:
            yield ("Mean",), "expected more than zero for a lognormal latency"


@section_class
class FailureRates:
    """The shares of messages that end in each error class."""

    permanent: float = key("permanent", Fraction(), default=0.0)
    """The share of messages that are refused for good."""
    retryable: float = key("retryable", Fraction(), default=0.0)
    """The share that provably was not taken, and may be tried again."""
    throttled: float = key("throttled", Fraction(), default=0.0)
    """As `retryable`, for lack of capacity: costs no attempt."""
    ambiguous: float = key("ambiguous", Fraction(), default=0.0)
    """The share without an answer, which may have been taken or not."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that the rates add up to more than all messages."""
        if fsum((self.permanent, self.retryable, self.throttled, self.ambiguous)) > 1:
            yield (), "expected rates that add up to 1 at most"


@section_class
class SimulatedSettings:
    """The provider that delivers nothing; its answers follow from the message and the seed."""

    seed: int = key("Seed", Int(0, 2**63 - 1), default=0)
    """Outcomes are a function of the message and this number."""
    latency: LatencySettings = key("Latency", Section(LatencySettings), default={})
    failure_rates: Mapping[str, float] = key("FailureRates", SectionMap(FailureRates), default={})
    price: Price | None = key("Price", PriceField(), default=None)
    """The price of a segment by prefix of the number, which dry runs and progress add up; `null`:
    none."""


@section_class
class HttpSettings:
    """The provider that POSTs each message to a URL."""

    url: str | None = key("Url", HttpUrl(), default=None)
    """The URL that messages are posted to, such as https://sms.example.com/messages. Without it the
    provider is not there. Neither shown nor logged beyond host and port."""
    authorization: str | None = key("Authorization", HeaderValue(), default=None)
    """The value of the `Authorization` header, such as Bearer and a token. Best given as a file:
    `CAMP__HTTP__AUTHORIZATION_FILE`."""
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
    idempotent: bool = key("Idempotent", Flag(), default=False)
    """`true` where the gateway answers an `Idempotency-Key` that it has seen as it did the first
    time. Where it does not, a permanent answer to a repeated message is no proof that an earlier
    send was not taken: such a message ends as `unknown`, with the answer as its error code."""
    message_id_field: str = key("MessageIdField", String(), default="id")
    """The field of the answer's JSON with the provider's own id; dots lead into objects, as in
    `data.id`. The id is stored if it is at most 128 ASCII characters."""
    answers: Mapping[str, AnswerWord] = key("Answers", Answers(), default=DEFAULT_ANSWERS)
    """The meaning of status codes: success, permanent, retryable, throttled or ambiguous. A single
    code goes before its class; see below."""
    price: Price | None = key("Price", PriceField(), default=None)
    """The price of a segment by prefix of the number, such as
    `{Currency: EUR, PerSegment: {"49": 0.07, default: 0.1}}`: the longest prefix decides. Dry runs
    and progress add it up; `null`: they have no cost."""
