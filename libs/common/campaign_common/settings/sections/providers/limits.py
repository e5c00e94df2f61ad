"""Limits: how much a provider is sent, by all senders together."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits, RampStep
from campaign_common.settings.declaration import Conflict, Section, SectionList, key, section_class
from campaign_common.settings.fields.limits import Day, PositiveDecimal, Zone
from campaign_common.settings.fields.plain import Int, Member

MOST_PER_SECOND = 1_000_000
MOST_PER_DAY = 10_000_000_000
MOST_CONCURRENT = 1_000_000


@section_class
class RampStepSettings:
    """Limits from a day on; a key that is not given stays as above."""

    since: date = key("From", Day())
    """The first day, in `Limits.Zone`."""
    per_second: Decimal | None = key(
        "PerSecond", PositiveDecimal(MOST_PER_SECOND, "a second", null=True), default=None
    )
    """`PerSecond` from that day on."""
    per_day: int | None = key("PerDay", Int(1, MOST_PER_DAY, null=True), default=None)
    """`PerDay` from that day on."""


@section_class
class LimitSettings:
    """The limits of a provider over all senders; each is off unless given."""

    per_second: Decimal | None = key(
        "PerSecond", PositiveDecimal(MOST_PER_SECOND, "a second", null=True), default=None
    )
    """Sends that start in a second of the database's clock, at most, also when senders die, sleep
    or wake. 0.1 is one in ten seconds."""
    unit: LimitUnit = key("Unit", Member(LimitUnit), default="messages")
    """The unit of `PerSecond` and `PerDay`: `messages`, or `segments` of an SMS."""
    concurrency: int | None = key("Concurrency", Int(1, MOST_CONCURRENT, null=True), default=None)
    """Requests under way at a time. Each sender has the part of it that it has of the shards, and
    one at least; while shards move it is not exact."""
    per_day: int | None = key("PerDay", Int(1, MOST_PER_DAY, null=True), default=None)
    """Sends that start in a day, at most. When they are used up, the provider rests until the
    next one, and messages wait without an attempt."""
    zone: str = key("Zone", Zone(), default="UTC")
    """The time zone of that day, as America/Los_Angeles."""
    ramp: tuple[RampStepSettings, ...] = key(
        "Ramp", SectionList(RampStepSettings, "list of sections with From"), default=[]
    )
    """Limits that begin on a day; the last one that has begun stands."""

    @property
    def limits(self) -> ProviderLimits:
        """The limits that these keys say."""
        ramp = tuple(RampStep(one.since, one.per_second, one.per_day) for one in self.ramp)
        return ProviderLimits(
            self.per_second, self.unit, self.concurrency, self.per_day, self.zone, ramp
        )

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that two steps begin on one day, or that one has no amount."""
        days = [one.since for one in self.ramp]
        if len(set(days)) < len(days):
            yield ("Ramp",), "expected each From once"
        if any(one.per_second is None and one.per_day is None for one in self.ramp):
            yield ("Ramp",), "expected PerSecond or PerDay in each step"


@section_class
class LimitedSettings:
    """A provider with limits."""

    limits: LimitSettings = key("Limits", Section(LimitSettings), default={})
