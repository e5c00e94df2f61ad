"""Fields for texts with placeholders, of which a provider's requests are made.

`{name}` stands for a value of the message, `{{` and `}}` for braces. A template is split here,
once: a value is put in where its placeholder stands and never read again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from marshmallow import ValidationError

from campaign_common.settings.fields.http import HEADER_NAME, split_url
from campaign_common.settings.fields.plain import SECTION_NAME, Scalar, Value, is_unicode

NUMBERS = frozenset({"campaign_id", "seq", "segments", "expires_in"})
"""Placeholders whose value is a number; one that is a whole leaf of JSON is a number there."""

ADDRESSING = frozenset({"phone", "phone.plus", "phone.national", "key", "reference", "coding"})
"""Placeholders whose values are ASCII letters, digits, hyphens and the plus sign."""

CALLBACK_URL = "callback_url"
CALLBACKS = "callbacks"

OF_CALLBACKS = frozenset({CALLBACK_URL, CALLBACKS})
"""Placeholders of fields that requests have only where the provider has callback URLs."""

TIMES = frozenset({"now", "now.unix", "now.unix_ms"})
"""Placeholders for the moment at which a request is made; all but the first are numbers."""

VARYING = frozenset({"expires_in"}) | TIMES
"""Placeholders whose values differ from try to try."""

CONTENT = frozenset({"body", "hex_ucs2", "from", "template.name", "template.language"})
"""Placeholders whose values people wrote."""

PLACEHOLDERS = NUMBERS | ADDRESSING | OF_CALLBACKS | TIMES | CONTENT

PARTS = "parts"
SECRET = "secret"  # noqa: S105 - the prefix of a placeholder

OPTIONAL = frozenset({"expires_in", "template.name", "template.language"})
"""Placeholders that always have no value in some messages, as `parts.N` have."""

MOST_PARTS = 64
DEEPEST_TREE = 16
"""Levels of a JSON tree."""

LONGEST_TEMPLATE = 65_536
"""Characters of one template."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PART = re.compile(r"parts\.(0|[1-9][0-9]?)")
_SECRET = re.compile(rf"secret\.({SECTION_NAME.pattern})")
_HEADER_TEXT = re.compile(r"[\x20-\x7e]{0,8192}")

_JSON_NAME = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]*')

JSON_NAME = "expected a name without quotes, backslashes and control characters"

OWN_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "proxy-connection"}
)
"""Headers that belong to the connection, which the client writes, or never does."""


class Placeholder(NamedTuple):
    """A value of the message, of the configuration or of a secret."""

    name: str
    part: int | None = None
    """The number of one of the `parts`, from 0."""
    secret: str | None = None
    """The name of a secret."""


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A text, split into literals and placeholders."""

    pieces: tuple[str | Placeholder, ...] = ()

    @property
    def placeholders(self) -> Iterator[Placeholder]:
        """The placeholders, in their order."""
        return (piece for piece in self.pieces if isinstance(piece, Placeholder))

    @property
    def alone(self) -> Placeholder | None:
        """The placeholder that is the whole text, if one is."""
        match self.pieces:
            case (Placeholder() as only,):
                return only
        return None


JsonTemplate = (
    Mapping[str, "JsonTemplate"] | tuple["JsonTemplate", ...] | TextTemplate | int | float | None
)
"""A tree of JSON whose texts are templates; true and false are among the integers."""


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """A URL: scheme, host and port are constant, segments of the path and values are templates."""

    origin: str
    """Scheme, host and port: `https://api.example.com:8443`."""
    segments: tuple[TextTemplate, ...]
    """Of the path, without the slashes before them."""
    query: tuple[tuple[str, TextTemplate | None], ...]
    """Names as they were written, with their values; None: there is no `=`."""

    @property
    def placeholders(self) -> Iterator[Placeholder]:
        """The placeholders, in their order."""
        for segment in self.segments:
            yield from segment.placeholders
        for _, value in self.query:
            yield from value.placeholders if value else ()


def split_text(text: str, *, message: bool = True) -> TextTemplate:
    """Split a text at its placeholders; without `message` texts that people wrote are refused.

    Raises:
        ValidationError: a brace without its partner, or an unknown placeholder.
    """
    pieces: list[str | Placeholder] = []
    literal = ""
    end = 0
    for token in _TOKEN.finditer(text):
        literal += text[end : token.start()]
        end = token.end()
        if token[0] in ("{{", "}}"):
            literal += token[0][0]
        elif token[1] is None:
            raise ValidationError(f"expected {token[0]!r} with its partner, or twice for a brace")
        else:
            if literal:
                pieces.append(literal)
                literal = ""
            pieces.append(_placeholder(token[1], message=message))
    literal += text[end:]
    if literal:
        pieces.append(literal)
    return TextTemplate(tuple(pieces))


def _placeholder(name: str, *, message: bool) -> Placeholder:
    allowed = PLACEHOLDERS if message else PLACEHOLDERS - CONTENT - OF_CALLBACKS
    if name in allowed:
        return Placeholder(name)
    if (secret := _SECRET.fullmatch(name)) is not None:
        return Placeholder(name, secret=secret[1])
    if message and (part := _PART.fullmatch(name)) is not None and int(part[1]) < MOST_PARTS:
        return Placeholder(name, part=int(part[1]))
    known = [*sorted(allowed), *(["parts.0 to parts.63"] if message else []), "secret.NAME"]
    raise ValidationError(f"unknown placeholder {{{name}}}; expected one of {', '.join(known)}")


class TemplateText(Value[TextTemplate]):
    """A text with placeholders; without `message` none whose value people wrote."""

    secret = True

    def __init__(self, *, message: bool = True, null: bool = False) -> None:
        self.message = message
        super().__init__("expected text", "text with placeholders", null=null)

    def _deserialize(self, value: object, *_: object, **__: object) -> TextTemplate:
        if not isinstance(value, str) or len(value) > LONGEST_TEMPLATE or not is_unicode(value):
            raise self.make_error("invalid")
        return split_text(value, message=self.message)


class HeaderText(TemplateText):
    """The value of a header: one line of ASCII, without a text that people wrote."""

    def __init__(self, *, null: bool = False) -> None:
        super().__init__(message=False, null=null)

    def _deserialize(self, value: object, *_: object, **__: object) -> TextTemplate:
        if not isinstance(value, str) or not _HEADER_TEXT.fullmatch(value):
            raise ValidationError("expected one line of printable ASCII")
        return split_text(value.strip(), message=False)


class ConstantText(HeaderText):
    """A text whose placeholders are all secrets."""

    def _deserialize(self, value: object, *_: object, **__: object) -> TextTemplate:
        text = super()._deserialize(value)
        if any(placeholder.secret is None for placeholder in text.placeholders):
            raise ValidationError("expected no placeholder but {secret.NAME}")
        return text


class RequestHeaders(Scalar[Mapping[str, TextTemplate]]):
    """Headers by name."""

    secret = True

    def __init__(self) -> None:
        super().__init__("expected a mapping of names to values", "mapping")

    def _deserialize(self, value: object, *_: object, **__: object) -> Mapping[str, TextTemplate]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        headers: dict[str, TextTemplate] = {}
        for name, text in value.items():
            if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
                raise ValidationError({str(name): ["expected the name of a header"]})
            if name.lower() in OWN_HEADERS:
                raise ValidationError({name: ["expected no header of the connection itself"]})
            if name.lower() in {each.lower() for each in headers}:
                raise ValidationError({name: ["expected each header once"]})
            headers[name] = _under(name, HeaderText(), text)
        return MappingProxyType(headers)


class TextMap(Scalar[Mapping[str, TextTemplate]]):
    """Texts with placeholders by name: the fields of a form, or of a query."""

    secret = True

    def __init__(self) -> None:
        super().__init__("expected a mapping of names to texts", "mapping")

    def _deserialize(self, value: object, *_: object, **__: object) -> Mapping[str, TextTemplate]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        texts = {}
        for name, text in value.items():
            if not isinstance(name, str) or not name or not is_unicode(name):
                raise ValidationError({str(name): ["expected text as a name"]})
            texts[name] = _under(name, TemplateText(), _as_text(text))
        return MappingProxyType(texts)


class JsonTree(Scalar[JsonTemplate]):
    """A tree of YAML whose texts are templates.

    A text that is one placeholder and nothing else takes the value in its own type.
    """

    secret = True

    def __init__(self) -> None:
        super().__init__("expected a tree of mappings, lists, texts and numbers", "tree", null=True)

    def _deserialize(self, value: object, *_: object, **__: object) -> JsonTemplate:
        return self._branch(value, 0)

    def _branch(self, value: object, depth: int) -> JsonTemplate:
        if depth > DEEPEST_TREE:
            raise ValidationError(f"expected a tree of at most {DEEPEST_TREE} levels")
        match value:
            case dict():
                branches = {}
                for name, below in value.items():
                    if not isinstance(name, str) or not _JSON_NAME.fullmatch(name):
                        raise ValidationError({str(name): [JSON_NAME]})
                    try:
                        branches[name] = self._branch(below, depth + 1)
                    except ValidationError as error:
                        raise ValidationError({name: error.messages}) from None
                return MappingProxyType(branches)
            case list():
                return tuple(self._item(n, item, depth) for n, item in enumerate(value))
            case str():
                return _under(None, TemplateText(), value)
            case bool() | int() | None:
                return value
            case float() if value == value and abs(value) != float("inf"):  # noqa: PLR0124 - NaN
                return value
            case _:
                raise self.make_error("invalid")

    def _item(self, n: int, item: object, depth: int) -> JsonTemplate:
        try:
            return self._branch(item, depth + 1)
        except ValidationError as error:
            raise ValidationError({n: error.messages}) from None


class RequestUrl(Value[UrlTemplate]):
    """An http or https URL with placeholders in segments of its path and in values of its query."""

    secret = True

    def __init__(self) -> None:
        super().__init__(
            "expected a URL such as https://sms.example.com/messages, in ASCII",
            "http or https URL with placeholders",
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> UrlTemplate:
        url, parts = split_url(self, value)
        if "@" in parts.netloc or "#" in url:
            raise ValidationError(f"{self.expected}: no user, which Basic is for, and no #")
        if set("{}").intersection(parts.netloc):
            raise ValidationError(f"{self.expected}: no placeholder before the path")
        path = parts.path.removeprefix("/")
        segments = tuple(split_text(each, message=False) for each in path.split("/"))
        query = [each.partition("=") for each in parts.query.split("&")] if parts.query else []
        if any(set("{}").intersection(name) for name, _, _ in query):
            raise ValidationError(f"{self.expected}: placeholders of a query are values only")
        return UrlTemplate(
            f"{parts.scheme}://{parts.netloc}",
            segments,
            tuple(
                (name, split_text(text) if has_value else None) for name, has_value, text in query
            ),
        )


AnyTemplate = UrlTemplate | JsonTemplate


def literal_text(text: str) -> TextTemplate:
    """Return a text without placeholders, whatever braces are in it."""
    return TextTemplate((text,) if text else ())


def literal_url(url: str) -> UrlTemplate:
    """Return a checked URL without placeholders, whatever braces are in it."""
    parts = urlsplit(url)
    return UrlTemplate(
        f"{parts.scheme}://{parts.netloc}",
        tuple(literal_text(each) for each in parts.path.removeprefix("/").split("/")),
        ((parts.query, None),) if parts.query else (),
    )


def placeholders_of(tree: AnyTemplate) -> Iterator[Placeholder]:
    """Yield the placeholders of a template of any form."""
    match tree:
        case TextTemplate() | UrlTemplate():
            yield from tree.placeholders
        case Mapping():
            for below in tree.values():
                yield from placeholders_of(below)
        case tuple():
            for below in tree:
                yield from placeholders_of(below)


def _under(name: str | None, field: TemplateText, value: object) -> TextTemplate:
    try:
        return field.deserialize(value)
    except ValidationError as error:
        raise ValidationError(error.messages if name is None else {name: error.messages}) from None


def _as_text(value: object) -> object:
    """Return numbers, true and false as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value
