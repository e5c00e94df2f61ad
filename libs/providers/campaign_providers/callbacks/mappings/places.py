"""Places of values in a decoded report, compiled from the paths that a mapping writes.

A path is names of objects and numbers of list items, joined by dots. `../` goes to the object or
list around the item, and may be repeated. `?name` is a parameter of the callback's URL.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from campaign_common.errors import SettingsError
from campaign_providers.callbacks.mappings.documents import (
    Conditions,
    PlaceDocument,
    PlaceWritten,
)

EVERY = "*"
OUT = "../"
MOST_ITEMS = 10_000
"""Items of one callback that are read."""

Trail = tuple[object, ...]
"""The documents from the outermost to an item."""

_PATH = re.compile(r"[^.\s/?*]+(\.[^.\s/?*]+)*")


class ReportItem(NamedTuple):
    """An item that is read: where it stands, and the query of the request that it came in."""

    trail: Trail
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReportPath:
    """The path of one value."""

    steps: tuple[str, ...]
    out: int = 0
    is_parameter: bool = False

    @classmethod
    def of(cls, text: str) -> "ReportPath":
        """Compile a path as it is written.

        Raises:
            SettingsError: it is none.
        """
        inside = text.lstrip("?") if text.startswith("?") else text
        out = 0
        while inside.startswith(OUT):
            inside, out = inside.removeprefix(OUT), out + 1
        is_parameter = text.startswith("?")
        if not _PATH.fullmatch(inside) or (is_parameter and out):
            raise SettingsError(
                "mapping of callbacks: expected names and numbers joined by dots, such as"
                f" data.0.id, not {text!r}"
            )
        return cls((inside,) if is_parameter else tuple(inside.split(".")), out, is_parameter)

    def text_in(self, item: ReportItem) -> str | None:
        """Return the value as text; None where there is none, or an object or a list."""
        trail, parameters = item
        if self.is_parameter:
            return parameters.get(self.steps[0])
        if self.out >= len(trail):
            return None
        value = trail[-1 - self.out]
        for step in self.steps:
            # Nearly all steps are names of objects: a call for each would take most of the time.
            value = value.get(step) if type(value) is dict else _inside(value, step)
        return value if type(value) is str else scalar_text(value)


@dataclass(frozen=True, slots=True)
class WantedValues:
    """Values that an item must have, compared as text."""

    wanted: tuple[tuple[ReportPath, frozenset[str]], ...] = ()

    @classmethod
    def of(cls, conditions: Conditions) -> "WantedValues":
        """Compile conditions as they are written.

        Raises:
            SettingsError: one has no path.
        """
        return cls(
            tuple(
                (ReportPath.of(path), frozenset([values] if isinstance(values, str) else values))
                for path, values in conditions.items()
            )
        )

    def hold(self, item: ReportItem) -> bool:
        """Return whether the item says all of it."""
        for path, values in self.wanted:  # noqa: SIM110 - with `all` it takes twice as long
            if path.text_in(item) not in values:
                return False
        return True


@dataclass(frozen=True, slots=True)
class ReportPlaces:
    """The places of a value; the first that has one counts."""

    places: tuple[tuple[ReportPath, WantedValues, bool], ...] = ()
    """Paths with what has to be so for each, and whether it is hexadecimal UTF-16."""

    @classmethod
    def of(cls, written: PlaceWritten | None) -> "ReportPlaces":
        """Compile places as they are written; of None there are none.

        Raises:
            SettingsError: one has no path.
        """
        each = [] if written is None else written if isinstance(written, list) else [written]
        documents = [PlaceDocument(path=one) if isinstance(one, str) else one for one in each]
        return cls(
            tuple(
                (ReportPath.of(one.path), WantedValues.of(one.when), one.coding != "text")
                for one in documents
            )
        )

    def text_in(self, item: ReportItem) -> str | None:
        """Return the value as text; None where no place has one, or all are empty."""
        for path, wanted, is_hex in self.places:
            if wanted.wanted and not wanted.hold(item):
                continue
            text = path.text_in(item)
            if text:
                return _from_hex(text) if is_hex else text
        return None


def items_in(document: object, each: Sequence[str]) -> Iterator[Trail]:
    """Yield the items at a path with `*` for every item of a list, with what is around them."""
    trails: Iterable[Trail] = [(document,)]
    for step in each:
        trails = _inwards(trails, step)
    for count, trail in enumerate(trails):
        if count == MOST_ITEMS:
            return
        if isinstance(trail[-1], dict):
            yield trail


def _inwards(trails: Iterable[Trail], step: str) -> Iterator[Trail]:
    for trail in trails:
        around = trail[-1]
        if step != EVERY:
            inside = value_at(around, (step,))
            if inside is not None:
                yield (*trail, inside)
        elif isinstance(around, list):
            for inside in around:
                yield (*trail, inside)


def value_at(document: object, steps: Sequence[str]) -> object:
    """Return the value at a path; None where there is none."""
    for step in steps:
        document = document.get(step) if type(document) is dict else _inside(document, step)
    return document


def _inside(document: object, step: str) -> object:
    """Return an item of a list; None of anything else."""
    if isinstance(document, list) and step.isascii() and step.isdigit():
        index = int(step[:9])
        return document[index] if index < len(document) else None
    return None


def scalar_text(value: object) -> str | None:
    """Return a value of JSON as text; None of null, an object or a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def _from_hex(text: str) -> str | None:
    try:
        return bytes.fromhex(text).decode("utf-16-be", "replace")
    except ValueError:
        return None
