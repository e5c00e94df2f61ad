"""A marshmallow refusal as the one line that an operator reads."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from marshmallow import Schema, fields

from campaign_common.dsn import MASK, mask_secrets
from campaign_common.settings.sections import UNKNOWN

KeyPath = tuple[str, ...]
SECRET_SECTIONS = frozenset({"KafkaProperties"})
SECRET_KEYS = frozenset({"Authorization", "Url"})
LONGEST_VALUE = 80
_NOTHING = object()


def describe(
    messages: Mapping[Any, Any],
    document: Mapping[str, Any],
    schema: Schema,
    origin: Callable[[KeyPath], str],
) -> str:
    """Say where the first wrong key stands, its value, and what was expected.

    A key that is unknown goes first: a misspelt key also misses as the one it was meant
    to be.
    """
    found = sorted(_flatten(messages), key=lambda item: item[1] != UNKNOWN)
    path, message = found[0]
    if message == UNKNOWN:
        expectation = f"unknown key; {_suggestion(schema, path)}"
    else:
        expectation = f"{_shown(path, document)}{message}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{origin(path)}: {'.'.join(path)}: {expectation}{more}"


def _flatten(messages: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            yield from _flatten(below, path if key == "_schema" else (*path, str(key)))
    elif isinstance(messages, list):
        for message in messages:
            yield from _flatten(message, path)
    else:
        yield path, str(messages)


def _shown(path: KeyPath, document: Mapping[str, Any]) -> str:
    value: object = document
    for name in path:
        value = _below(value, name)
        if value is _NOTHING:
            return ""
    if path[:1] and (path[0] in SECRET_SECTIONS or path[-1] in SECRET_KEYS):
        return f"{MASK}: "
    shown = mask_secrets(str(value)) if path[-1:] == ("DSN",) else repr(value)
    if path[-1:] == ("DSN",) and shown == str(value):
        shown = MASK  # no password was recognised in it, which does not mean that it has none
    return f"{shown[:LONGEST_VALUE]}: "


def _below(value: object, name: str) -> object:
    if isinstance(value, Mapping) and name in value:
        below: object = value[name]
        return below
    if isinstance(value, list) and name.isdigit() and int(name) < len(value):
        return value[int(name)]
    return _NOTHING


def _suggestion(schema: Schema, path: KeyPath) -> str:
    for name in path[:-1]:
        section = {str(f.data_key): f for f in schema.fields.values()}.get(name)
        if isinstance(section, fields.List):
            section = section.inner
        if isinstance(section, fields.Nested):
            schema = section.schema
    known = sorted(str(field.data_key) for field in schema.fields.values())
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(path[-1].lower(), lowered, n=1)
    if close:
        return f"did you mean {lowered[close[0]]}?"
    return f"expected one of {', '.join(known)}"
