"""Mappings as they are written in YAML, and those of the presets.

A file NAME.yaml in the folder `presets` is the mapping of the preset NAME.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec
import yaml

from campaign_common.errors import SettingsError

SUFFIX = ".yaml"

BodyForm = Literal["form", "json", "query"]

RankWord = Literal["none", "accepted", "sent", "undelivered", "delivered", "read"]

Conditions = dict[str, str | list[str]]
"""Paths, and the values of which each has one."""


class _Document(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, frozen=True):
    pass


class PlaceDocument(_Document, frozen=True):
    """A place in a report, where it is more than a path."""

    path: str
    """Names and numbers joined by dots; `../` goes out of the item, `?` into the URL's query."""
    when: Conditions = {}
    """Further values that the item must have."""
    coding: Literal["text", "hex-utf-16"] = "text"
    """The form of a text: as it is, or the hexadecimal digits of big-endian UTF-16."""


PlaceWritten = str | PlaceDocument | list[str | PlaceDocument]
"""A path, or several places of which the first that has a value counts."""


class TimeDocument(_Document, frozen=True):
    """A time in a report."""

    path: str
    form: str = "iso"
    """`iso` (ISO 8601), `seconds` or `milliseconds` since 1970, or a pattern of strptime. A time
    without a zone is one in UTC."""


class ReplyDocument(_Document, frozen=True):
    """The body of the answer that the gateway expects."""

    type: str = "text/plain"
    text: str = ""


class _SectionDocument(_Document, frozen=True):
    body: BodyForm | list[BodyForm]
    """The forms that it comes in; of several, method and content type say which one it is."""
    nested: str | None = None
    """The path of a text that is itself the JSON document."""
    each: str | None = None
    """The path of the items, with `*` for every item of a list; without it there is one."""
    when: Conditions = {}
    """Values that an item must have to be of this kind."""
    at: TimeDocument | None = None
    reply: ReplyDocument = ReplyDocument()


class ReceiptsDocument(_SectionDocument, frozen=True, kw_only=True):
    """Receipts of a gateway."""

    status: PlaceWritten
    words: dict[RankWord, list[str]]
    """Ranks, and the values of `status` that mean them, whatever their case. `none` changes
    nothing; a word that is in no list is counted."""
    id: PlaceWritten | None = None
    reference: PlaceWritten | None = None
    """Our signed reference."""
    code: PlaceWritten | None = None
    to: PlaceWritten | None = None
    from_: PlaceWritten | None = msgspec.field(name="From", default=None)


class InboundDocument(_SectionDocument, frozen=True, kw_only=True):
    """Inbound messages of a gateway."""

    from_: PlaceWritten = msgspec.field(name="From")
    text: PlaceWritten
    id: PlaceWritten | None = None
    to: PlaceWritten | None = None


class MappingDocument(_Document, frozen=True):
    """Mapping of a gateway's callbacks."""

    receipts: ReceiptsDocument | None = None
    inbound: InboundDocument | None = None
    same_webhook: bool = False
    """The gateway has one webhook for both: each request may have either."""


def read_mapping(document: object) -> MappingDocument:
    """Read a mapping as YAML has it.

    Raises:
        SettingsError: a key is unknown, missing or has a wrong value; the text says which.
    """
    try:
        return msgspec.convert(document, MappingDocument)
    except msgspec.ValidationError as error:
        raise SettingsError(f"mapping of callbacks: {error}") from error


@cache
def mapped_presets() -> tuple[str, ...]:
    """Return the names of the presets that have a mapping."""
    found = (files(__package__) / "presets").iterdir()
    return tuple(sorted(f.name.removesuffix(SUFFIX) for f in found if f.name.endswith(SUFFIX)))


@cache
def preset_mapping(name: str) -> MappingDocument:
    """Return the mapping of a preset that is among `mapped_presets`."""
    text = (files(__package__) / "presets" / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    document: Mapping[str, Any] = yaml.safe_load(text)
    return read_mapping(document)
