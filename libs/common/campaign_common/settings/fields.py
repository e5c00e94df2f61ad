"""Marshmallow fields of this configuration: strict, and every refusal says what was expected."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, fields, validate

from campaign_common.dsn import Dsn, parse_dsn
from campaign_common.duration import format_duration, parse_duration
from campaign_common.errors import DsnInvalid

DAY = 24 * 3600.0
SECURITY_PREFIXES = ("security.", "sasl.", "ssl.")
SECURITY_KEYS = frozenset({"enable.ssl.certificate.verification"})


ErrorMessages = dict[str, str | list[Any] | dict[Any, Any]]


def text(key: str, *, longest: int = 255, required: bool = False) -> fields.String:
    """Text that is not empty."""
    expected = f"expected text of 1 to {longest} characters"
    return fields.String(
        data_key=key,
        required=required,
        validate=validate.Length(1, longest, error=expected),
        error_messages=_messages(expected),
    )


def integer(key: str, low: int, high: int, *, optional: bool = False) -> fields.Integer:
    """An integer within bounds; neither text nor a fraction. Null where it is `optional`."""
    expected = f"expected an integer from {low} to {high}"
    return fields.Integer(
        data_key=key,
        allow_none=optional,
        strict=True,
        validate=validate.Range(low, high, error=expected),
        error_messages=_messages(expected),
    )


def choice(key: str, *values: str) -> fields.String:
    """One of a few words."""
    expected = f"expected one of {', '.join(values)}"
    return fields.String(
        data_key=key,
        validate=validate.OneOf(values, error=expected),
        error_messages=_messages(expected),
    )


def member(key: str, of: type[StrEnum]) -> "fields.Enum[StrEnum]":
    """One of the words of an enumeration."""
    expected = f"expected one of {', '.join(of)}"
    return fields.Enum(
        of, data_key=key, by_value=True, error_messages={**_messages(expected), "unknown": expected}
    )


class Duration(fields.Field[float]):
    """A duration with its unit, as seconds."""

    def __init__(
        self, key: str, low: float = 0.001, high: float = 365 * DAY, *, optional: bool = False
    ) -> None:
        """Take null where the key is `optional`."""
        self.low, self.high = low, high
        bounds = f"from {format_duration(low)} to {format_duration(high)}"
        self.expected = f"expected a duration {bounds}, such as 250ms, 5s or 4h"
        super().__init__(data_key=key, allow_none=optional, error_messages=_messages(self.expected))

    def _deserialize(self, value: object, *_: object, **__: object) -> float:
        if isinstance(value, int) and not isinstance(value, bool):
            raise ValidationError(f"{self.expected}: a number needs a unit, {value}s for seconds")
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            seconds = parse_duration(value.strip())
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if not self.low <= seconds <= self.high:
            raise self.make_error("invalid")
        return seconds


class Milliseconds(fields.Field[float]):
    """An integer of milliseconds, as seconds."""

    def __init__(self, key: str, low: int, high: int) -> None:
        self.low, self.high = low, high
        expected = f"expected milliseconds, an integer from {low} to {high}"
        super().__init__(data_key=key, error_messages=_messages(expected))

    def _deserialize(self, value: object, *_: object, **__: object) -> float:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid")
        if not self.low <= value <= self.high:
            raise self.make_error("invalid")
        return value / 1000


class Fraction(fields.Field[float]):
    """A share, from 0 to 1."""

    def __init__(self, key: str) -> None:
        super().__init__(data_key=key, error_messages=_messages("expected a number from 0 to 1"))

    def _deserialize(self, value: object, *_: object, **__: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.make_error("invalid")
        if not 0 <= value <= 1:
            raise self.make_error("invalid")
        return float(value)


class Flag(fields.Field[bool]):
    """True or false; 1, yes and text are neither."""

    def __init__(self, key: str) -> None:
        super().__init__(data_key=key, error_messages=_messages("expected true or false"))

    def _deserialize(self, value: object, *_: object, **__: object) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Folder(fields.Field[Path]):
    """A folder; whether it exists is for whoever opens it."""

    def __init__(self, key: str) -> None:
        super().__init__(data_key=key, error_messages=_messages("expected the path of a folder"))

    def _deserialize(self, value: object, *_: object, **__: object) -> Path:
        if not isinstance(value, str) or not value or "\0" in value:
            raise self.make_error("invalid")
        return Path(value).expanduser()


class DataSourceName(fields.Field[Dsn]):
    """A Go-style DSN that names a database."""

    def __init__(self, key: str) -> None:
        expected = "expected user:password@tcp(host:3306)/database"
        super().__init__(data_key=key, required=True, error_messages=_messages(expected))

    def _deserialize(self, value: object, *_: object, **__: object) -> Dsn:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            dsn = parse_dsn(value.strip())
        except DsnInvalid as error:
            raise ValidationError(str(error)) from error
        if not dsn.database:
            raise ValidationError("expected a database name after the /")
        return dsn


class Words(fields.Field[tuple[str, ...]]):
    """A list of non-empty texts."""

    def __init__(self, key: str, each: str, *, required: bool) -> None:
        expected = f"expected a list of {each}"
        super().__init__(data_key=key, required=required, error_messages=_messages(expected))

    def _deserialize(self, value: object, *_: object, **__: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise self.make_error("invalid")
        if not all(isinstance(item, str) and item.strip() for item in value):
            raise self.make_error("invalid")
        return tuple(item.strip() for item in value)


class SecurityProperties(fields.Field[Mapping[str, str]]):
    """Properties for librdkafka; only security, since guarantees rest on the others."""

    def __init__(self, key: str) -> None:
        super().__init__(
            data_key=key, error_messages=_messages("expected a mapping of property to value")
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> Mapping[str, str]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        for name, setting in value.items():
            if not _is_security(str(name)):
                allowed = ", ".join([f"{prefix}*" for prefix in SECURITY_PREFIXES])
                message = f"expected one of {allowed}, {', '.join(SECURITY_KEYS)}"
                raise ValidationError({str(name): [message]})
            if not isinstance(setting, str | int | float):
                raise ValidationError({str(name): ["expected text, a number, true or false"]})
        return MappingProxyType({str(k): _property_text(v) for k, v in value.items()})


def _is_security(name: str) -> bool:
    return name in SECURITY_KEYS or name.startswith(SECURITY_PREFIXES)


def _property_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _messages(expected: str) -> ErrorMessages:
    return {
        "invalid": expected,
        "null": expected,
        "required": f"the key is missing; {expected}",
    }
