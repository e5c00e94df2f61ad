"""Fields for texts, numbers, durations, words and paths."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from marshmallow import ValidationError, fields, validate

from campaign_common.dsn import MASK
from campaign_common.duration import parse_duration

T = TypeVar("T")

SECTION_NAME = re.compile(r"(?=[0-9_-]*[a-z])[a-z0-9_-]{1,32}")
"""The name of a section that is one of several."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class Value(fields.Field[T]):
    """A field with one expectation, which is the message for whatever is wrong with a value."""

    secret: ClassVar[bool] = False
    from_environment: ClassVar[bool] = True
    """A variable of the environment gives the value, and not only what is below it."""

    def __init__(self, expected: str, values: str, *, null: bool = False, **options: Any) -> None:  # noqa: ANN401 - marshmallow's
        """Make a field that says `expected`; `values` is for the documentation."""
        self.expected, self.values = expected, values
        formatted = expected.replace("{", "{{").replace("}", "}}")
        super().__init__(
            allow_none=null,
            error_messages={
                "invalid": formatted,
                "null": formatted,
                "unknown": formatted,
                "required": f"the key is missing; {formatted}",
            },
            **options,
        )

    def from_text(self, text: str) -> object:
        """Return the value that the file would hold, from the text of an environment variable."""
        return text

    def keys(self) -> Mapping[str, "Value[Any]"]:
        """Return the fields of the keys below this one, where it is a section."""
        return {}

    def below(self, _: str) -> "Value[Any] | None":
        """Return the field of a name below this one: its own where it is no section."""
        return self

    def shown(self, value: object) -> str:
        """Return `value` as an error message may show it."""
        return MASK if self.secret else repr(value)


class Scalar(Value[T]):
    """A value that YAML does not read as text; in the environment it is written as in the file."""

    def from_text(self, text: str) -> object:
        """Return what YAML reads; text that is no YAML is refused later."""
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text


class String(Value[str], fields.String):
    """Text that is not empty."""

    def __init__(self, longest: int = 255, *, null: bool = False) -> None:
        expected = f"expected text of 1 to {longest} characters"
        length = validate.Length(1, longest, error=expected)
        super().__init__(expected, "text", null=null, validate=[length, self._encodable])

    def _encodable(self, text: str) -> None:
        """Refuse what YAML can write, and no encoding can."""
        if not is_unicode(text):
            raise self.make_error("invalid")


class Plain(String):
    """Text that is not empty; YAML's numbers are text, too."""

    def _deserialize(self, value: object, *arguments: Any, **named: Any) -> str:  # noqa: ANN401 - marshmallow's
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return super()._deserialize(str(value) if is_number else value, *arguments, **named)


class Ascii(Plain):
    """Plain text of printable ASCII."""

    def __init__(self, longest: int = 255, *, null: bool = False) -> None:
        super().__init__(longest, null=null)
        self.expected = f"expected 1 to {longest} characters of printable ASCII"
        self.error_messages["invalid"] = self.expected

    def _deserialize(self, value: object, *arguments: Any, **named: Any) -> str:  # noqa: ANN401 - marshmallow's
        text = super()._deserialize(value, *arguments, **named)
        if not text.isascii() or not text.isprintable():
            raise self.make_error("invalid")
        return text


class Choice(Value[str], fields.String):
    """One of a few words."""

    def __init__(self, *words: str, null: bool = False) -> None:
        expected = f"expected one of {', '.join(words)}"
        among = validate.OneOf(words, error=expected)
        super().__init__(expected, _listed(words), null=null, validate=among)


class Switch(Choice):
    """One of a few words, among them on and off, which YAML 1.1 reads as true and false."""

    def _deserialize(self, value: object, *more: Any, **options: Any) -> Any:  # noqa: ANN401 - marshmallow's
        word = {True: "on", False: "off"}[value] if isinstance(value, bool) else value
        return super()._deserialize(word, *more, **options)


class Member(Value[StrEnum], fields.Enum[StrEnum]):
    """One of the words of an enumeration."""

    def __init__(self, of: type[StrEnum]) -> None:
        super().__init__(f"expected one of {', '.join(of)}", _listed(of), enum=of, by_value=True)


class Int(Scalar[int], fields.Integer):
    """An integer within bounds; neither text nor a fraction."""

    def __init__(self, low: int, high: int, unit: str = "", *, null: bool = False) -> None:
        expected = f"expected an integer from {low} to {high}"
        bounds = validate.Range(low, high, error=expected)
        values = f"{low} to {high} {unit}".rstrip()
        super().__init__(expected, values, null=null, strict=True, validate=bounds)


class Milliseconds(Scalar[float]):
    """An integer of milliseconds, as seconds."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        expected = f"expected milliseconds, an integer from {low} to {high}"
        super().__init__(expected, f"{low} to {high} ms")

    def _deserialize(self, value: object, *_: object, **__: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        if not self.low <= value <= self.high:
            raise self.make_error("invalid")
        return value / 1000


class Duration(Scalar[float]):
    """A duration with its unit, as seconds."""

    def __init__(self, low: str = "1ms", high: str = "8760h", *, null: bool = False) -> None:
        self.low, self.high = parse_duration(low), parse_duration(high)
        expected = f"expected a duration from {low} to {high}, such as 250ms, 5s or 4h"
        super().__init__(expected, f"{low} to {high}", null=null)

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


class Fraction(Scalar[float]):
    """A share, from 0 to 1."""

    def __init__(self) -> None:
        super().__init__("expected a number from 0 to 1", "0 to 1")

    def _deserialize(self, value: object, *_: object, **__: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.make_error("invalid")
        return float(value)


class Flag(Scalar[bool]):
    """True or false; 1, yes and text are neither."""

    def __init__(self) -> None:
        super().__init__("expected true or false", "`true`, `false`")

    def _deserialize(self, value: object, *_: object, **__: object) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class FilePath(Value[Path]):
    """The path of a folder or a file, which is not looked for here."""

    def __init__(self, of: str, *, null: bool = False) -> None:
        super().__init__(f"expected the path of a {of}", of, null=null)

    def _deserialize(self, value: object, *_: object, **__: object) -> Path:
        if not isinstance(value, str) or not value or "\0" in value:
            raise self.make_error("invalid")
        return Path(value).expanduser()


class Words(Value[tuple[str, ...]]):
    """A list of non-empty texts; in the environment with commas."""

    def __init__(self, each: str, *, may_be_empty: bool = False) -> None:
        self._may_be_empty = may_be_empty
        super().__init__(f"expected a list of {each}", f"list of {each}")

    def from_text(self, text: str) -> object:
        """Return the items between the commas."""
        return split_items(text)

    def _deserialize(self, value: object, *_: object, **__: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not (value or self._may_be_empty):
            raise self.make_error("invalid")
        if not all(isinstance(item, str) and item.strip() for item in value):
            raise self.make_error("invalid")
        return tuple(item.strip() for item in value)


def split_items(text: str) -> list[str]:
    """Return what stands between commas, without spaces around it."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def is_unicode(text: str) -> bool:
    """Return whether UTF-8 has a form for a text: it holds no half of a surrogate pair."""
    return _SURROGATE.search(text) is None
