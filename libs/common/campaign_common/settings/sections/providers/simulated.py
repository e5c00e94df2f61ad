"""Simulated: the provider that delivers nothing."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from math import fsum

from campaign_common.domain.content.campaign_content import ANY_CONTENT, ContentSupport
from campaign_common.domain.content.price import Price
from campaign_common.settings.declaration import Conflict, Section, SectionMap, key, section_class
from campaign_common.settings.fields.plain import Duration, Fraction, Int, Member
from campaign_common.settings.fields.price import PriceField
from campaign_common.settings.sections.providers.limits import LimitedSettings


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
class SimulatedSettings(LimitedSettings):
    """The provider that delivers nothing; its answers follow from the message and the seed."""

    seed: int = key("Seed", Int(0, 2**63 - 1), default=0)
    """Outcomes are a function of the message and this number."""
    latency: LatencySettings = key("Latency", Section(LatencySettings), default={})
    failure_rates: Mapping[str, float] = key("FailureRates", SectionMap(FailureRates), default={})
    price: Price | None = key("Price", PriceField(), default=None)
    """The price of a segment by prefix of the number, which dry runs and progress add up; `null`:
    none."""

    @property
    def content_support(self) -> ContentSupport:
        """Everything, since nothing is delivered."""
        return ANY_CONTENT
