"""Limits of one provider, as configured or set live, and the ones that hold on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UTC_ZONE = "UTC"

NOTICE = 2.0
"""Seconds before a day at which the limits that begin with it hold already."""


class UnreadableLimits(ValueError):
    """Stored limits that this version cannot read."""


class LimitUnit(StrEnum):
    """Unit in which `PerSecond` and `PerDay` count."""

    MESSAGES = "messages"
    SEGMENTS = "segments"


@dataclass(frozen=True)
class RampStep:
    """Amounts from a day on; None: the amount of the limits themselves."""

    since: date
    per_second: Decimal | None = None
    per_day: int | None = None


@dataclass(frozen=True)
class ProviderLimits:
    """Limits of a provider over all senders; None: no limit.

    `per_second` has at most three decimal places. `zone` is the time zone of the day that `per_day`
    and `ramp` count by.
    """

    per_second: Decimal | None = None
    unit: LimitUnit = LimitUnit.MESSAGES
    concurrency: int | None = None
    per_day: int | None = None
    zone: str = UTC_ZONE
    ramp: tuple[RampStep, ...] = ()

    def on(self, day: date) -> Self:
        """Return the limits of a day: those of the last step of the ramp that has begun."""
        begun = [step for step in self.ramp if step.since <= day]
        if not begun:
            return replace(self, ramp=())
        step = max(begun, key=lambda one: one.since)
        return replace(
            self,
            per_second=self.per_second if step.per_second is None else step.per_second,
            per_day=self.per_day if step.per_day is None else step.per_day,
            ramp=(),
        )

    def at(self, moment: float) -> Self:
        """Return the limits at a moment, in seconds since 1970; they have no ramp."""
        return self.on(day_of(moment, self.zone)) if self.ramp else self

    def around(self, moment: float) -> Self:
        """Return the limits at a moment, and those that begin within `NOTICE` seconds.

        Nothing is granted for the latter until they begin, so that the first sends of a day
        are counted.
        """
        now, soon = self.at(moment), self.at(moment + NOTICE)
        return replace(
            now,
            per_second=soon.per_second if now.per_second is None else now.per_second,
            per_day=soon.per_day if now.per_day is None else now.per_day,
        )

    @property
    def needs_grants(self) -> bool:
        """Return whether messages start by grants only, without regard to the ramp."""
        return self.per_second is not None or self.per_day is not None

    @property
    def limits_day(self) -> bool:
        """Return whether grants of a day are needed, without regard to the ramp."""
        return self.per_day is not None

    def as_json(self) -> dict[str, Any]:
        """Return the limits as the API and the database write them."""
        return {
            "per_second": _text(self.per_second),
            "unit": self.unit.value,
            "concurrency": self.concurrency,
            "per_day": self.per_day,
            "zone": self.zone,
            "ramp": [
                {
                    "from": step.since.isoformat(),
                    "per_second": _text(step.per_second),
                    "per_day": step.per_day,
                }
                for step in self.ramp
            ],
        }

    @classmethod
    def of_json(cls, values: object) -> Self:
        """Return the limits that `as_json` wrote.

        Raises:
            UnreadableLimits: a newer version wrote them, or the zone is not known here.
        """
        try:
            return cls._of_json(values)
        except (KeyError, TypeError, ValueError, InvalidOperation, ZoneInfoNotFoundError) as error:
            raise UnreadableLimits(f"limits cannot be read: {error!r}") from error

    @classmethod
    def _of_json(cls, values: Any) -> Self:  # noqa: ANN401 - of any form
        if not isinstance(values, dict) or values.keys() != cls().as_json().keys():
            raise ValueError("fields of another version")
        ZoneInfo(values["zone"])
        return cls(
            per_second=_decimal(values["per_second"]),
            unit=LimitUnit(values["unit"]),
            concurrency=_whole(values["concurrency"]),
            per_day=_whole(values["per_day"]),
            zone=values["zone"],
            ramp=_ramp(values["ramp"]),
        )


@cache
def known_zones() -> frozenset[str]:
    """Return the names of time zones that every host knows: those of the package tzdata."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("ascii").split())


def day_of(moment: float, zone: str) -> date:
    """Return the day of a moment, in seconds since 1970, in a time zone."""
    return datetime.fromtimestamp(moment, ZoneInfo(zone)).date()


def end_of_day(day: date, zone: str) -> float:
    """Return the moment at which a day ends in a zone, in seconds since 1970.

    A midnight that a change of the clocks leaves out is the first moment after the gap.
    """
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    return midnight.astimezone(UTC).timestamp()


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _whole(number: object) -> int | None:
    if number is None or type(number) is int:
        return number
    raise TypeError(f"{number!r} is no whole number")


def _ramp(steps: Sequence[Mapping[str, Any]]) -> tuple[RampStep, ...]:
    return tuple(
        RampStep(
            date.fromisoformat(step["from"]),
            _decimal(step["per_second"]),
            _whole(step["per_day"]),
        )
        for step in steps
    )
