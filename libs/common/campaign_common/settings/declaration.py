"""Declarations of the configuration's keys, and the marshmallow schemas that follow from them.

A section is a frozen dataclass. Each field that stands for a key of the file is made by `key`. A
section whose keys may contradict each other has a method `conflicts`, which yields a `Conflict` for
what is wrong although each key on its own is right.
"""

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

from marshmallow import Schema, ValidationError, post_load
from marshmallow.fields import List, Nested

from campaign_common.dsn import MASK
from campaign_common.settings.fields.plain import Value

SECTION = "expected a section of keys"
UNKNOWN = "unknown key"

KeyPath = tuple[str, ...]
Conflict = tuple[KeyPath, str]
"""The path of a key below the section, and what was expected in view of other keys."""

T = TypeVar("T")

NAME = re.compile(r"(?=.*[a-z])[a-z0-9_-]{1,32}")
"""The name of a section that is one of several."""

_DECLARATION = "campmgr"
"""The name of a key's declaration in the metadata of its field."""


@dataclass(frozen=True)
class KeyDeclaration:
    """Everything that is said of a key besides its meaning, which is the attribute's docstring."""

    name: str
    kind: Value[Any]
    """The marshmallow field that validates the key."""
    default: Any
    """The default as a file writes it."""
    original: bool
    """The key is one of the original system's."""
    example: Any
    """The value in deploy/campmgr.yaml, where no file could write the default."""


def key(
    name: str,
    kind: Value[Any],
    *,
    default: Any = MISSING,  # noqa: ANN401 - what YAML can hold
    original: bool = False,
    example: Any = MISSING,  # noqa: ANN401 - what YAML can hold
) -> Any:  # noqa: ANN401 - as dataclasses.field, of the type of the attribute
    """Declare the key `name` of a file, which `kind` validates; without a default it is required.

    `default` is written as in a file. None and () are kept as they are.
    """
    kind.data_key, kind.required = name, default is MISSING
    declared = KeyDeclaration(name, kind, default, original, example)
    value = default if default in (MISSING, None, ()) else kind.deserialize(default)
    options: dict[str, Any] = {"metadata": {_DECLARATION: declared}, "repr": not kind.secret}
    if isinstance(value, Hashable):
        return field(default=value, **options)
    return field(default_factory=lambda: value, **options)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(key, field))
def section_class(of: type[T]) -> type[T]:
    """Make a class a section: a frozen dataclass that takes keyword arguments."""
    return dataclass(frozen=True, kw_only=True)(of)


def declared_keys(section: type) -> Iterator[tuple[str, KeyDeclaration]]:
    """Yield the attributes of `section` that stand for keys, with the declarations."""
    for each in fields(section):
        if _DECLARATION in each.metadata:
            yield each.name, each.metadata[_DECLARATION]


class SectionSchema(Schema):
    """A schema that loads into the section it is made from."""

    made_from: ClassVar[type]
    error_messages = {"unknown": UNKNOWN, "type": SECTION}  # noqa: RUF012 - marshmallow's type

    @post_load
    def _make(self, loaded: dict[str, Any], **_: object) -> object:
        made = self.made_from(**loaded)
        messages: dict[str, Any] = {}
        for path, message in getattr(made, "conflicts", tuple)():
            *sections, last = path or ("_schema",)
            below = messages
            for name in sections:
                below = below.setdefault(name, {})
            below.setdefault(last, []).append(message)
        if messages:
            raise ValidationError(messages)
        return made


def schema_of(section: type) -> type[SectionSchema]:
    """Derive the schema of a section from its declarations."""
    declared = {attribute: each.kind for attribute, each in declared_keys(section)}
    return type(f"{section.__name__}Schema", (SectionSchema,), {**declared, "made_from": section})


class Section(Value[Any], Nested):
    """A key that holds a section."""

    from_environment = False

    def __init__(self, of: type, *, null: bool = False) -> None:
        self.of = of
        super().__init__(SECTION, "section", null=null, nested=schema_of(of))

    def keys(self) -> Mapping[str, Value[Any]]:
        """Return the fields of the section's keys."""
        return keys_below(self.schema)

    def below(self, name: str) -> Value[Any] | None:
        """Return the field of a key."""
        return self.keys().get(name)

    def shown(self, value: object) -> str:
        """Return no text that stands in place of a section: it may be a secret of its keys."""
        return _without_text(value)


class SectionMap(Section):
    """A section as a mapping of its keys that differ from their defaults."""

    def _deserialize(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - marshmallow's
        made, defaults = super()._deserialize(*arguments, **named), self.of()
        values = {
            each.name: getattr(made, attribute)
            for attribute, each in declared_keys(self.of)
            if getattr(made, attribute) != getattr(defaults, attribute)
        }
        return MappingProxyType(values)


class SectionList(Value[Any], List[Any]):
    """A key that holds a list of sections; in the environment the items are numbered from 0."""

    from_environment = False
    inner: Section

    def below(self, name: str) -> Value[Any] | None:
        """Return the field of an item."""
        return self.inner if name.isdigit() else self

    def __init__(self, of: type, values: str) -> None:
        super().__init__(f"expected a {values}", values, cls_or_instance=Section(of))

    def shown(self, value: object) -> str:
        """Return no text that stands in place of sections, as for one of them."""
        return _without_text(value)

    def _deserialize(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - marshmallow's
        return tuple(super()._deserialize(*arguments, **named))


class NamedSections(Value[Mapping[str, Any]]):
    """A mapping of names to sections, each of one of a few classes; without a null."""

    from_environment = False

    def __init__(self, of: Mapping[str, type], values: str) -> None:
        """Take the classes of sections, and a word for what they are."""
        self.of = of
        self.each = _Alternatives({name: Section(each) for name, each in of.items()})
        super().__init__(
            f"expected a mapping of names to {values}", f"mapping of names to {values}"
        )

    def written(self, section: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the keys of a section as they are to be read."""
        return section

    def alternative(self, _: Mapping[str, Any]) -> str:
        """Return which of the classes a section has."""
        return next(iter(self.of))

    def below(self, _: str) -> Value[Any] | None:
        """Return the field of a section."""
        return self.each

    def shown(self, value: object) -> str:
        """Return no text that stands in place of sections."""
        return _without_text(value)

    def _deserialize(self, value: object, *_: Any, **__: Any) -> Mapping[str, Any]:  # noqa: ANN401
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        sections: dict[str, Any] = {}
        messages: dict[str, Any] = {}
        for name, keys in value.items():
            try:
                sections[str(name)] = self._section(name, keys)
            except ValidationError as error:
                messages[str(name)] = error.messages
        if messages:
            raise ValidationError(messages)
        return MappingProxyType(sections)

    def _section(self, name: object, keys: object) -> object:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValidationError(
                "expected a name of 1 to 32 characters of a-z, 0-9, _ and -, with a letter in it"
            )
        if not isinstance(keys, dict):
            raise ValidationError(SECTION)
        written = self.written(keys)
        return self.each.sections[self.alternative(written)].schema.load(written)


class _Alternatives(Value[Any]):
    """A section of one of a few classes."""

    from_environment = False

    def __init__(self, sections: Mapping[str, Section]) -> None:
        self.sections = sections
        super().__init__(SECTION, "section")

    def keys(self) -> Mapping[str, Value[Any]]:
        """Return the fields of the keys of all classes; the first class goes before others."""
        found: dict[str, Value[Any]] = {}
        for section in self.sections.values():
            found = {**section.keys(), **found}
        return found

    def below(self, name: str) -> Value[Any] | None:
        """Return the field of a key."""
        return self.keys().get(name)

    def shown(self, value: object) -> str:
        """Return no text that stands in place of a section."""
        return _without_text(value)


def _without_text(value: object) -> str:
    return repr(value) if value is None or isinstance(value, int | float) else MASK


def keys_below(schema: Schema) -> dict[str, Value[Any]]:
    """Return the fields of a schema by the names of their keys."""
    return {str(each.data_key): cast("Value[Any]", each) for each in schema.fields.values()}
