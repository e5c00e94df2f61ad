"""Sections of the YAML file: a schema each, which loads into the dataclass it makes."""

from typing import Any, ClassVar

from marshmallow import Schema, fields, post_load

SECTION = "expected a section of keys"
UNKNOWN = "unknown key"

Loaded = dict[str, Any]


class SectionSchema(Schema):
    """A section of the file; loads into the dataclass `makes`."""

    makes: ClassVar[type]
    error_messages = {"unknown": UNKNOWN, "type": SECTION}  # noqa: RUF012 - marshmallow's type

    @post_load
    def _make(self, loaded: Loaded, **_: object) -> object:
        return self.makes(**loaded)


def section(key: str, schema: type[Schema], *, required: bool = False) -> fields.Nested:
    """Nest a section under `key`."""
    return fields.Nested(
        schema,
        data_key=key,
        required=required,
        error_messages={"null": SECTION, "required": f"the key is missing; {SECTION}"},
    )
