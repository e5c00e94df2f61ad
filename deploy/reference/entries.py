"""Entries of the reference: each key with its path, its declaration and its meaning."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, dataclass
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any

from campaign_common.settings import Settings
from campaign_common.settings.declaration import (
    KeyDeclaration,
    KeyPath,
    NamedSections,
    Section,
    SectionList,
    declared_keys,
)

NAME = "NAME"
"""Stands for the name of a section that is one of several, which no file has until it is given."""

ITEM = "0"
"""Stands for the number of an item of a list in such a section."""


@dataclass(frozen=True)
class Entry:
    """A key of the file, or a section that holds keys."""

    path: KeyPath
    key: KeyDeclaration
    meaning: str
    """Sentences in Markdown."""

    @property
    def is_section(self) -> bool:
        """True where the key holds a section, whose keys have entries of their own."""
        return isinstance(self.key.kind, Section)

    @property
    def is_in_example(self) -> bool:
        """True where the key stands in a file that gives nothing but defaults."""
        return NAME not in self.path

    @property
    def required(self) -> bool:
        """True where a configuration without the key is refused."""
        return self.key.default is MISSING

    @property
    def example(self) -> Any:  # noqa: ANN401 - what YAML can hold
        """The value in an example: the default, where a file can write it."""
        return self.key.default if self.key.example is MISSING else self.key.example


def entries_of(section: type = Settings, above: KeyPath = ()) -> Iterator[Entry]:
    """Yield the entries of `section` in the order of the declarations, each before those in it."""
    for attribute, key in declared_keys(section):
        path = (*above, key.name)
        if isinstance(key.kind, Section):
            documented = _attribute_docstrings(section).get(attribute)
            yield Entry(path, key, documented or _first_line(key.kind.of))
            yield from entries_of(key.kind.of, path)
        else:
            yield Entry(path, key, _attribute_docstrings(section)[attribute])
        if isinstance(key.kind, NamedSections):
            yield from entries_of(next(iter(key.kind.of.values())), (*path, NAME))
        elif isinstance(key.kind, SectionList) and NAME in path:
            yield from entries_of(key.kind.inner.of, (*path, ITEM))


@cache
def _attribute_docstrings(section: type) -> dict[str, str]:
    """Return the string below each attribute, those of base classes included."""
    found: dict[str, str] = {}
    for each in section.__mro__[-2::-1]:
        definition = ast.parse(dedent(inspect.getsource(each))).body[0]
        for statement, following in pairwise(getattr(definition, "body", [])):
            match statement, following:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(text.split())
    return found


def _first_line(section: type) -> str:
    return (section.__doc__ or "").splitlines()[0]
