"""Limits of one provider, as configured or set live, and the ones that hold on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

UTC_ZONE = "UTC"


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
            return self
        step = max(begun, key=lambda one: one.since)
        return replace(
            self,
            per_second=self.per_second if step.per_second is None else step.per_second,
            per_day=self.per_day if step.per_day is None else step.per_day,
        )

    def at(self, moment: float) -> Self:
        """Return the limits at a moment, in seconds since 1970."""
        return self.on(day_of(moment, self.zone)) if self.ramp else self

    @property
    def limits_rate(self) -> bool:
        """Return whether grants of a second are needed, today or by a later step."""
        return self.per_second is not None or any(s.per_second is not None for s in self.ramp)

    @property
    def limits_day(self) -> bool:
        """Return whether grants of a day are needed, today or by a later step."""
        return self.per_day is not None or any(s.per_day is not None for s in self.ramp)

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
    def of_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the limits that `as_json` wrote."""
        return cls(
            per_second=_decimal(values["per_second"]),
            unit=LimitUnit(values["unit"]),
            concurrency=values["concurrency"],
            per_day=values["per_day"],
            zone=values["zone"],
            ramp=_ramp(values["ramp"]),
        )


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


def _ramp(steps: Sequence[Mapping[str, Any]]) -> tuple[RampStep, ...]:
    return tuple(
        RampStep(date.fromisoformat(s["from"]), _decimal(s["per_second"]), s["per_day"])
        for s in steps
    )
