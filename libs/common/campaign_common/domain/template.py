"""A message template: plain text with placeholders, and nothing that is ever evaluated.

`{column}` stands for a column of the recipient list, `{column|default}` for the column or,
where that is missing or blank, the default; `{{` and `}}` stand for braces. A placeholder is
looked up by its whole text among the columns, so no template reaches an attribute, a format
specification or code.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from campaign_common.domain.recipient import NAME, PHONE, column_name, trimmed
from campaign_common.errors import TemplateInvalid

MOST_PLACEHOLDERS = 100
"""More would let a short template and a long column make megabytes of each recipient."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class _Field(NamedTuple):
    """A placeholder: its place in the text, its column, and the text used where that is empty."""

    place: int
    column: str
    default: str


class Template:
    """A compiled template; make it with `Template.compile`."""

    def __init__(self, text: str, pieces: list[str], fields: tuple[_Field, ...]) -> None:
        self.text = text
        self.placeholders = frozenset(field.column for field in fields)
        self.required = frozenset(field.column for field in fields if not field.default)
        # The text in pieces, an empty one in place of each placeholder. Putting the values into
        # a copy and joining that costs three quarters of what a pattern of %s did.
        self._pieces = pieces
        self._fields = fields

    @property
    def least_length(self) -> int:
        """Number of characters of a message whose values are all empty."""
        return sum(map(len, self._pieces))

    @classmethod
    def compile(cls, text: str) -> "Template":
        """Compile `text`.

        Raises:
            TemplateInvalid: too many placeholders, or a brace without its partner, an empty
                placeholder or a character that is no Unicode text, with its position from 1.
        """
        _require_unicode(text)
        pieces: list[str] = []
        fields: list[_Field] = []
        end = 0
        for token in _TOKEN.finditer(text):
            pieces.append(text[end : token.start()])
            end = token.end()
            if token[0] in ("{{", "}}"):
                pieces.append(token[0][0])
                continue
            fields.append(_field(token, place=len(pieces)))
            pieces.append("")
        pieces.append(text[end:])
        if len(fields) > MOST_PLACEHOLDERS:
            raise TemplateInvalid(
                f"message_template has {len(fields)} placeholders; at most {MOST_PLACEHOLDERS} are"
                " allowed"
            )
        return cls(text, pieces, tuple(fields))

    def require(self, columns: Iterable[str]) -> None:
        """Check that every placeholder names one of `columns`.

        Raises:
            TemplateInvalid: names the unknown placeholders and the columns that exist.
        """
        existing = list(columns)
        unknown = sorted(self.placeholders.difference(column_name(name) for name in existing))
        if unknown:
            named = ", ".join(f"{{{name}}}" for name in unknown)
            raise TemplateInvalid(
                f"message_template names {named}; the columns are {', '.join(existing)}"
            )

    def render(self, name: str, phone: str, attributes: Mapping[str, str] | None) -> str:
        """Return the message for one recipient.

        Values lose surrounding blanks, whenever their list was imported; a blank one is none. A
        column without a value and a default renders as empty.
        """
        pieces = self._pieces.copy()
        for place, column, default in self._fields:
            if column == NAME:
                value = name
            elif column == PHONE:
                value = phone
            else:
                value = attributes.get(column, "") if attributes else ""
            # Nearly all values are ASCII, and one call less is felt in every message.
            value = value.strip()
            pieces[place] = (value if value.isascii() else trimmed(value)) or default
        return "".join(pieces)


def _field(token: re.Match[str], place: int) -> _Field:
    position = token.start() + 1
    if token[1] is None:
        partner = "}" if token[0] == "{" else "{"
        raise TemplateInvalid(
            f"message_template, position {position}: {token[0]!r} without its {partner!r};"
            f" a brace in the text is written {token[0] * 2!r}"
        )
    name, _, default = token[1].partition("|")
    column = column_name(name)
    if not column:
        raise TemplateInvalid(f"message_template, position {position}: the placeholder is empty")
    return _Field(place, column, default)


def _require_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TemplateInvalid(
            f"message_template, position {error.start + 1}: half of a surrogate pair"
        ) from error
