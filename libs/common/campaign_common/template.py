"""A message template: plain text with placeholders, and nothing that is ever evaluated.

`{column}` stands for a column of the recipient list, `{column|default}` for the column or,
where that is missing or empty, the default; `{{` and `}}` stand for braces. A placeholder is
looked up by its whole text among the columns, so no template reaches an attribute, a format
specification or code.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from campaign_common.errors import TemplateInvalid
from campaign_common.recipient import NAME, PHONE, column_name

MOST_PLACEHOLDERS = 100
"""More would let a short template and a long column make megabytes of each recipient."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class _Field(NamedTuple):
    """A placeholder: the column it stands for, and the text used where that is empty."""

    column: str
    default: str


class Template:
    """A compiled template; make it with `Template.compile`."""

    def __init__(self, text: str, pattern: str, fields: tuple[_Field, ...]) -> None:
        self.text = text
        self.placeholders = frozenset(field.column for field in fields)
        self.required = frozenset(field.column for field in fields if not field.default)
        # The literal text with its percent signs doubled and one %s per placeholder: the
        # quickest way to join them, and only strings are ever put in.
        self._pattern = pattern
        self._fields = fields

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
            pieces.append(_literal(text[end : token.start()]))
            end = token.end()
            if token[0] in ("{{", "}}"):
                pieces.append(token[0][0])
                continue
            fields.append(_field(token))
            pieces.append("%s")
        pieces.append(_literal(text[end:]))
        if len(fields) > MOST_PLACEHOLDERS:
            raise TemplateInvalid(
                f"message_template has {len(fields)} placeholders; at most {MOST_PLACEHOLDERS} are"
                " allowed"
            )
        return cls(text, "".join(pieces), tuple(fields))

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
        """Return the message for one recipient; a column that is missing renders as empty."""
        if not self._fields:
            return self._pattern % ()
        values = []
        for column, default in self._fields:
            if column == NAME:
                value = name
            elif column == PHONE:
                value = phone
            else:
                value = attributes.get(column, "") if attributes else ""
            values.append(value or default)
        return self._pattern % tuple(values)


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _field(token: re.Match[str]) -> _Field:
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
    return _Field(column, default)


def _require_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TemplateInvalid(
            f"message_template, position {error.start + 1}: half of a surrogate pair"
        ) from error
