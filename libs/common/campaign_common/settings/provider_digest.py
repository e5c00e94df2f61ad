"""Descriptions of configured providers without their secrets, to be compared between services."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from enum import Enum
from functools import singledispatch
from hashlib import blake2b
from re import Pattern
from types import NoneType
from urllib.parse import urlsplit

import msgspec

from campaign_common.settings.declaration import KeyDeclaration, declared_keys
from campaign_common.settings.fields.http import HttpUrl
from campaign_common.settings.fields.plain import FilePath
from campaign_common.settings.fields.templates import Placeholder, TextTemplate, UrlTemplate
from campaign_common.settings.sections.providers.limits import LimitedSettings

OTHER_SETTINGS = "digest of other settings"
"""Name of what stands for all settings but the limits."""

LIMITS = "Limits"

_DIGEST_BYTES = 8


def describe_provider(section: LimitedSettings) -> Mapping[str, str]:
    """Return the limits of a provider by their keys, and a digest of its other settings.

    Keys with their defaults are left out, so that a key that is new in a version changes nothing;
    so are paths, which are those of a machine. Of what may hold a secret, as URLs, headers and
    bodies, only the names, placeholders and the server count, and no text.
    """
    limits = dict(_given(section.limits))
    others = {name: value for name, value in _given(section) if name != LIMITS}
    digest = blake2b(msgspec.json.encode(others, order="sorted"), digest_size=_DIGEST_BYTES)
    return {
        **{f"{LIMITS}.{name}": _as_text(value) for name, value in limits.items()},
        OTHER_SETTINGS: digest.hexdigest(),
    }


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()


def _given(section: object) -> Iterator[tuple[str, object]]:
    """Yield the keys of a section that differ from their defaults, as values of JSON."""
    for attribute, declared in declared_keys(type(section)):
        value = getattr(section, attribute)
        if isinstance(declared.kind, FilePath) or _is_default(declared, value):
            continue
        if isinstance(declared.kind, HttpUrl):
            yield declared.name, _server(value)
        else:
            yield declared.name, _plain(value, declared.kind.secret)


def _is_default(declared: KeyDeclaration, value: object) -> bool:
    if declared.kind.required:
        return False
    default = declared.default
    return bool(value == (default if default is None else declared.kind.deserialize(default)))


def _server(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@singledispatch
def _plain(value: object, of_secret: bool) -> object:  # noqa: ARG001, FBT001 - dispatched by type
    """Return a value as JSON can hold it; `of_secret`: without its texts, which may be secrets."""
    if is_dataclass(value) and any(declared_keys(type(value))):
        return dict(_given(value))
    return str(value)


@_plain.register(NoneType)
@_plain.register(bool)
@_plain.register(int)
@_plain.register(float)
def _(value: object, of_secret: bool) -> object:  # noqa: ARG001, FBT001
    return value


@_plain.register
def _(value: str, of_secret: bool) -> object:  # noqa: FBT001
    return "" if of_secret else value


@_plain.register
def _(value: Enum, of_secret: bool) -> object:  # noqa: ARG001, FBT001
    return str(value.value)


@_plain.register
def _(value: Pattern, of_secret: bool) -> object:  # type: ignore[type-arg] # noqa: ARG001, FBT001
    return value.pattern


@_plain.register
def _(value: Placeholder, of_secret: bool) -> object:  # noqa: ARG001, FBT001
    return list(value)


@_plain.register
def _(value: TextTemplate, of_secret: bool) -> object:  # noqa: FBT001
    return _plain(value.pieces, of_secret)


@_plain.register
def _(value: UrlTemplate, of_secret: bool) -> object:  # noqa: FBT001
    return [value.origin, _plain(value.segments, of_secret), _plain(dict(value.query), of_secret)]


@_plain.register(Mapping)
def _(value: Mapping[object, object], of_secret: bool) -> object:  # noqa: FBT001
    return {str(name): _plain(each, of_secret) for name, each in value.items()}


@_plain.register(AbstractSet)
def _(value: AbstractSet[object], of_secret: bool) -> object:  # noqa: FBT001
    return sorted(str(_plain(each, of_secret)) for each in value)


@_plain.register(tuple)
@_plain.register(list)
def _(value: Iterable[object], of_secret: bool) -> object:  # noqa: FBT001
    return [_plain(each, of_secret) for each in value]
