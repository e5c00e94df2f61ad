"""Environment variables over the file: CAMP__MYSQL__DSN=… and CAMP__MYSQL__DSN_FILE=/path."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from marshmallow import Schema

from campaign_common.errors import SettingsError
from campaign_common.settings.declaration import KeyPath, Section, SectionList, keys_below
from campaign_common.settings.fields.plain import Value
from campaign_common.settings.fields.servers import SecurityProperties

PREFIX = "CAMP__"
FILE_SUFFIX = "_FILE"

_PLACE = re.compile(r"[0-9]{1,2}")
"""Of an item in a list."""


class Override(NamedTuple):
    """One key of the file that the environment replaces."""

    path: KeyPath
    value: object
    variable: str


def overrides(schema: Schema, environ: Mapping[str, str]) -> Iterator[Override]:
    """Yield what the environment replaces; names match the keys of `schema` in any case.

    Raises:
        SettingsError: a variable that names no key, names one twice, or names a file that
            cannot be read.
    """
    seen: dict[KeyPath, str] = {}
    for variable in sorted(name for name in environ if name.upper().startswith(PREFIX)):
        override = _read(schema, variable, environ[variable])
        if override.path in seen:
            other = seen[override.path]
            raise SettingsError(
                f"environment {variable}: expected only one variable for "
                f"{'.'.join(override.path)}, {other} is set too"
            )
        seen[override.path] = variable
        yield override


def from_files(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that name a file with a value, instead of the value."""
    return sorted(
        name
        for name in environ
        if name.upper().startswith(PREFIX) and name.upper().endswith(FILE_SUFFIX)
    )


def apply(document: dict[str, Any], override: Override) -> None:
    """Put `override` into the document; sections that are missing are made."""
    section: Any = document
    for name, following in pairwise(override.path):
        below = _opened(section, name, [] if following.isdigit() else {})
        if not isinstance(below, dict | list):
            return  # the wrong section is what gets reported
        section = below
    if isinstance(section, dict):
        section[override.path[-1]] = override.value


def _opened(section: Any, name: str, empty: object) -> object:  # noqa: ANN401 - parts of a document
    """Return what is below `name`, which is made where it is missing."""
    if isinstance(section, dict):
        return section.setdefault(name, empty)
    if not name.isdigit():
        return None
    while len(section) <= int(name):
        section.append({})
    return section[int(name)]


def _read(schema: Schema, variable: str, value: str) -> Override:
    names = variable[len(PREFIX) :].split("__")
    from_file = names[-1].upper().endswith(FILE_SUFFIX)  # as no key of the file does
    if from_file:
        names[-1] = names[-1][: -len(FILE_SUFFIX)]
    found = _find(schema, names)
    if found is None:
        known = ", ".join(sorted(keys_below(schema)))
        raise SettingsError(
            f"environment {variable}: no such key; expected {PREFIX}KEY or "
            f"{PREFIX}SECTION__KEY with one of {known}"
        )
    path, field = found
    content = _content(variable, value) if from_file else value
    return Override(path, field.from_text(content), variable)


def _find(schema: Schema, names: list[str]) -> tuple[KeyPath, Value[Any]] | None:
    """Follow `names` down the schema.

    The rest below a free mapping is joined with dots; items of a list are numbered from 0.
    """
    keys = {name.upper(): (name, field) for name, field in keys_below(schema).items()}
    if names[0].upper() not in keys:
        return None
    key, field = keys[names[0].upper()]
    rest = names[1:]
    if isinstance(field, SecurityProperties) and rest:
        return (key, ".".join(rest).lower()), field
    above: KeyPath = (key,)
    if isinstance(field, SectionList):
        if not rest or not _PLACE.fullmatch(rest[0]):
            return None
        above, field, rest = (key, rest[0]), field.inner, rest[1:]
    if not rest:
        return None if isinstance(field, Section) else (above, field)
    if not isinstance(field, Section):
        return None
    below = _find(field.schema, rest)
    return below and ((*above, *below[0]), below[1])


def _content(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(
            f"environment {variable}: {path}: expected a readable file ({reason})"
        ) from error
