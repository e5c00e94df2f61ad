"""The start of a campaign in requests and responses: a time, and the zone it was planned in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from campaign_api.schemas.fields import LOCAL_TIME, Moment, Text
from campaign_common.domain.limits.provider_limits import known_zones
from campaign_common.domain.local_time import NoSuchTime, moment_in

ZONE_FIELD = "time_zone"

LONGEST_ZONE = 64
"""Characters; the longest name of the time zone database has 32."""


class StartTime(Moment):
    """A start: a time as RFC 3339, or one without an offset where the request names a zone."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        described = (
            "Start time; in the past means now. Beside `time_zone` also a time without an offset,"
            " such as 2027-01-31T09:00:00; one that the clocks leave out or show twice is refused."
        )
        super().__init__(metadata={"description": described}, **options)

    def _deserialize(self, value: object, *field: object, **options: object) -> datetime:
        _, data = field  # its name, and the request
        zone = data.get(ZONE_FIELD) if isinstance(data, Mapping) else None
        if (
            isinstance(value, str)
            and LOCAL_TIME.fullmatch(value)
            and isinstance(zone, str)
            and zone in known_zones()
        ):
            try:
                return moment_in(datetime.fromisoformat(value.upper()), zone).astimezone(UTC)
            except NoSuchTime as error:
                raise ValidationError(str(error)) from error
            except (ValueError, OverflowError):
                pass  # 30 February, or a time beyond the calendar
        return super()._deserialize(value, *field, **options)


def _require_zone(value: str) -> None:
    if value not in known_zones():
        raise ValidationError("must be the name of a time zone, such as Europe/Oslo")


def time_zone_asked(*, allow_none: bool = False) -> Text:
    """Build the field of a request; null removes the zone."""
    return Text(
        allow_none=allow_none,
        validate=[validate.Length(1, LONGEST_ZONE), _require_zone],
        metadata={
            "description": "Name of the time zone that the start is planned in (IANA). It is kept"
            " and shown; without it the zone that is there stays."
        },
    )


def time_zone_answered() -> fields.String:
    """Build the field of a response."""
    return fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Time zone in which the start was planned; times here are in UTC. null:"
            " none was named."
        },
    )
