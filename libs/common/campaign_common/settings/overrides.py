"""Environment variables over the file: CAMP__MYSQL__DSN=… and CAMP__MYSQL__DSN_FILE=/path."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from marshmallow import Schema

from campaign_common.errors import SettingsError
from campaign_common.settings.declaration import (
    KeyPath,
    NamedSections,
    SectionList,
    keys_below,
)
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
    file: Path | None
    """File that holds the value; None: the variable does."""


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
    found = _find(keys_below(schema), names)
    if found is None:
        known = ", ".join(sorted(keys_below(schema)))
        raise SettingsError(
            f"environment {variable}: no such key; expected {PREFIX}KEY or "
            f"{PREFIX}SECTION__KEY with one of {known}"
        )
    path, field = found
    content = _content(variable, value) if from_file else value
    file = Path(value) if from_file else None
    return Override(path, field.from_text(content), variable, file)


def _find(keys: Mapping[str, Value[Any]], names: list[str]) -> tuple[KeyPath, Value[Any]] | None:
    """Follow `names` down the keys of a section, in any case."""
    by_upper = {name.upper(): (name, field) for name, field in keys.items()}
    if names[0].upper() not in by_upper:
        return None
    key, field = by_upper[names[0].upper()]
    found = _below(field, names[1:])
    return found and ((key, *found[0]), found[1])


def _below(field: Value[Any], names: list[str]) -> tuple[KeyPath, Value[Any]] | None:
    """Follow `names` from a field to the one that reads the value.

    The rest below a free mapping is joined with dots; items of a list are numbered from 0; the name
    of a section that is one of several is in lower case.
    """
    if not names:
        return ((), field) if field.from_environment else None
    name, inner = names[0], field
    match field:
        case SecurityProperties():
            return (".".join(names).lower(),), field
        case SectionList() if _PLACE.fullmatch(name):
            inner = field.inner
        case NamedSections():
            name, inner = name.lower(), field.each
        case _:
            return _find(field.keys(), names)
    found = _below(inner, names[1:])
    return found and ((name, *found[0]), found[1])


def _content(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(
            f"environment {variable}: {path}: expected a readable file ({reason})"
        ) from error
