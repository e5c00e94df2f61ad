"""Fields for the rules that read a provider's answers."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from marshmallow import ValidationError

from campaign_common.settings.fields.plain import Value, split_items


class AnswerWord(StrEnum):
    """The meaning of a provider's answer for a message."""

    SUCCESS = "success"
    PERMANENT = "permanent"
    RETRYABLE = "retryable"
    """Proves that the message was not taken."""
    THROTTLED = "throttled"
    """As retryable, for lack of capacity."""
    AMBIGUOUS = "ambiguous"
    ACCOUNT = "account"
    """The account is refused, as for its credentials or its credit, and with it every message."""


class TransportFailure(StrEnum):
    """The ways in which a request gets no answer; the values are error codes of messages."""

    NAME_NOT_RESOLVED = "name_not_resolved"
    ADDRESS_REFUSED = "address_refused"
    CONNECTION_REFUSED = "connection_refused"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_FAILED = "tls_failed"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    ANSWER_MALFORMED = "answer_malformed"
    ANSWER_TOO_LONG = "answer_too_long"


NOTHING_SENT = frozenset(
    {
        TransportFailure.NAME_NOT_RESOLVED,
        TransportFailure.ADDRESS_REFUSED,
        TransportFailure.CONNECTION_REFUSED,
        TransportFailure.CONNECT_FAILED,
        TransportFailure.CONNECT_TIMEOUT,
        TransportFailure.TLS_FAILED,
    }
)
"""Failures before a request was written: they prove that the message was not taken."""

DEFAULT_ANSWERS: dict[str | int, str] = {
    "2xx": "success",
    "3xx": "permanent",
    "4xx": "permanent",
    401: "account",
    402: "account",
    408: "retryable",
    409: "ambiguous",
    425: "retryable",
    429: "throttled",
    "5xx": "ambiguous",
}
"""A server or gateway that answers 5xx may have taken the message, 503 included."""

LONGEST_PATTERN = 1_000
LONGEST_PATH = 255

STATUS = re.compile(r"[1-5](?:[0-9]{2}|xx)")

JsonPath = tuple[str, ...]
"""Names of objects, and numbers of items from 0, from the outside in."""


class JsonCondition(NamedTuple):
    """A condition for one value of the answer's JSON, compared as text."""

    path: JsonPath
    values: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None
    """Searched for in the value, where there are no `values`."""


class Statuses(Value[frozenset[int]]):
    """Status codes and classes: 429, 5xx, or a list of them."""

    def __init__(self) -> None:
        super().__init__(
            "expected a status code such as 429, a class such as 5xx, or a list of them",
            "status codes and classes",
            null=True,
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> frozenset[int]:
        items = value if isinstance(value, list) else [value]
        written = [str(item).lower() for item in items if not isinstance(item, bool)]
        if not written or len(written) < len(items) or not all(map(STATUS.fullmatch, written)):
            raise self.make_error("invalid")
        return frozenset(code for each in written for code in codes_of(each))


class Path(Value[JsonPath]):
    """The path of a value in JSON: names and numbers from 0, joined by dots."""

    def __init__(self) -> None:
        super().__init__(
            "expected names and numbers joined by dots, such as messages.0.id",
            "path in the answer's JSON",
            null=True,
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> JsonPath:
        path = _path(value)
        if path is None:
            raise self.make_error("invalid")
        return path


class PlaceInAnswer(Value[JsonPath | re.Pattern[str]]):
    """The path of a value in JSON, or a pattern whose first group is the value in the text."""

    def __init__(self) -> None:
        super().__init__(
            "expected a path such as messages.0.id, or {Matches: pattern} with a group",
            "path in the answer's JSON, or `{Matches: pattern}`",
            null=True,
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> JsonPath | re.Pattern[str]:
        if not isinstance(value, dict):
            return _path(value) or self._refused()
        written = value.get("Matches")
        if len(value) != 1 or not isinstance(written, str):
            raise self.make_error("invalid")
        pattern = _pattern(written)
        return pattern if pattern.groups else self._refused()

    def _refused(self) -> NoReturn:
        raise self.make_error("invalid")


class JsonConditions(Value[tuple[JsonCondition, ...]]):
    """Values of the answer's JSON by path: a value, a list of values, or {Matches: pattern}."""

    def __init__(self) -> None:
        super().__init__(
            "expected a mapping of paths to a value, a list of values or {Matches: pattern}",
            "mapping",
            null=True,
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> tuple[JsonCondition, ...]:
        if not isinstance(value, dict) or not value:
            raise self.make_error("invalid")
        conditions = []
        for path, wanted in value.items():
            try:
                conditions.append(self._condition(_path(str(path)), wanted))
            except ValidationError as error:
                raise ValidationError({str(path): error.messages}) from None
        return tuple(conditions)

    def _condition(self, path: JsonPath | None, wanted: object) -> JsonCondition:
        if path is None:
            raise ValidationError(
                "expected names and numbers joined by dots, such as messages.0.id"
            )
        if isinstance(wanted, dict):
            if set(wanted) != {"Matches"} or not isinstance(wanted["Matches"], str):
                raise ValidationError("expected {Matches: pattern}")
            return JsonCondition(path, pattern=_pattern(wanted["Matches"]))
        items = wanted if isinstance(wanted, list) else [wanted]
        if not items or not all(isinstance(item, str | int | float | None) for item in items):
            raise ValidationError("expected a value, a list of values or {Matches: pattern}")
        return JsonCondition(path, frozenset(map(json_text, items)))


class TransportFailures(Value[frozenset[TransportFailure]]):
    """One way in which a request gets no answer, or a list of them."""

    def __init__(self) -> None:
        super().__init__(
            f"expected one of {', '.join(TransportFailure)}, or a list of them",
            ", ".join(f"`{each}`" for each in TransportFailure),
            null=True,
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> frozenset[TransportFailure]:
        items = value if isinstance(value, list) else [value]
        if not items or not all(item in list(TransportFailure) for item in items):
            raise self.make_error("invalid")
        return frozenset(map(TransportFailure, items))


def codes_of(status: str) -> range:
    """Return the status codes of a code or a class, as matched by `STATUS`."""
    if status.endswith("xx"):
        first = int(status[0]) * 100
        return range(first, first + 100)
    return range(int(status), int(status) + 1)


def json_text(value: Any) -> str:  # noqa: ANN401 - what JSON can hold
    """Return a value as it is compared: texts as they are, others as JSON writes them."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def by_status(value: object) -> Mapping[str, str] | None:
    """Return a mapping of statuses to words as it is written, None where `value` is none.

    A mapping, or text such as `429: throttled, 5xx: retryable`.

    Raises:
        ValidationError: a key is no status, or a value no word.
    """
    pairs = _pairs(value) if isinstance(value, str) else value
    if not isinstance(pairs, dict):
        return None
    given = {str(code).lower(): word for code, word in pairs.items()}
    for code, word in given.items():
        if not STATUS.fullmatch(code):
            raise ValidationError({code: ["expected a status code such as 429 or 5xx"]})
        if word not in list(AnswerWord):
            raise ValidationError({code: [f"expected one of {', '.join(AnswerWord)}"]})
    return MappingProxyType(given)


def _path(value: object) -> JsonPath | None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATH:
        return None
    path = tuple(value.split("."))
    return path if all(path) else None


def _pairs(text: str) -> dict[str, str]:
    pairs = (item.partition(":") for item in split_items(text))
    return {code.strip(): word.strip() for code, _, word in pairs}


def _pattern(text: str) -> re.Pattern[str]:
    if len(text) > LONGEST_PATTERN:
        raise ValidationError(f"expected a pattern of at most {LONGEST_PATTERN} characters")
    try:
        return re.compile(text)
    except re.error as error:
        raise ValidationError(f"expected a regular expression ({error})") from error
