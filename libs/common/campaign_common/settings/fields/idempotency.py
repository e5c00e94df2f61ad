"""Field for how long a gateway knows a key that it has seen."""

from math import inf
from typing import Any

from marshmallow import ValidationError

from campaign_common.settings.fields.plain import Duration, Scalar


class IdempotentFor(Scalar[float]):
    """True, false or {For: duration}, as seconds: infinite, 0, or the duration."""

    def __init__(self) -> None:
        super().__init__(
            "expected true, false or {For: duration}", "`true`, `false`, `{For: duration}`"
        )
        self._duration = Duration("1s")

    def _deserialize(self, value: object, *_: Any, **__: Any) -> float:  # noqa: ANN401 - marshmallow's
        if isinstance(value, bool):
            return inf if value else 0.0
        if not isinstance(value, dict) or set(value) != {"For"}:
            raise self.make_error("invalid")
        try:
            seconds = self._duration.deserialize(value["For"])
        except ValidationError as error:
            raise ValidationError({"For": error.messages}) from None
        return seconds or 0.0
