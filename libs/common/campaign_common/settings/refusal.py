"""A marshmallow refusal as the one line that an operator reads."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from marshmallow import Schema

from campaign_common.settings.declaration import UNKNOWN, KeyPath, keys_below
from campaign_common.settings.fields.plain import Value

LONGEST_VALUE = 80


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
        expectation = f"{_shown(schema, path, document)}{message}"
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


def _shown(schema: Schema, path: KeyPath, document: Mapping[str, Any]) -> str:
    value: Any = document
    try:
        for name in path:
            value = value[int(name) if isinstance(value, list) else name]
    except (LookupError, TypeError, ValueError):
        return ""
    field = _field_at(schema, path)
    return f"{(field.shown(value) if field else repr(value))[:LONGEST_VALUE]}: "


def _field_at(schema: Schema, path: KeyPath) -> Value[Any] | None:
    """Return the field of the value at `path`: its own one, or that of the mapping it is in."""
    field = keys_below(schema).get(path[0]) if path else None
    for name in path[1:]:
        field = field and field.below(name)
    return field


def _suggestion(schema: Schema, path: KeyPath) -> str:
    above = _field_at(schema, path[:-1])
    known = sorted((above.keys() if above else None) or keys_below(schema))
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(path[-1].lower(), lowered, n=1)
    if close:
        return f"did you mean {lowered[close[0]]}?"
    return f"expected one of {', '.join(known)}"
