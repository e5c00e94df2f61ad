"""Credentials in an XML document: masked by the names of their elements and attributes.

Also where the name is a text itself: `<param name="password" value="…"/>`, or as XML-RPC has it
`<member><name>password</name><value>…</value></member>`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape, unescape

from campaign_common.settings.fields.templates import Placeholder, TextTemplate

Mask = Callable[[TextTemplate], TextTemplate]
"""Returns a text without the credentials in it."""

_TOKEN = re.compile(
    r"(?s)<!\[CDATA\[(?P<cdata>.*?)\]\]>|(?P<other><!--.*?-->|<\?.*?\?>)"
    r"|</(?P<close>[^<>]*)>"
    r"|<(?P<open>[^\s<>/]+)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(?P<empty>/?)>"
    r"|(?P<text>[^<]+)"
)
"""Part of a well-formed document without a document type."""

_ATTRIBUTE = re.compile(r"(?s)([^\s=]+)(\s*=\s*)(?:\"([^\"]*)\"|'([^']*)')")

_PLACE = re.compile(r"\x00([0-9]+)\x00")
"""Stands for a placeholder: no document has this character (XML 1.0, section 2.2)."""

NAMING = re.compile(r"(?i)(?:.*:)?(?:field|param(?:eter)?|property)?[_-]?(?:name|key|id)")
"""Names of elements, attributes and keys that give the name of what stands beside them."""

VALUE = re.compile(r"(?i)(?:.*:)?(?:field|param(?:eter)?|property)?[_-]?(?:value|val|v|content)")
"""Names of attributes and keys that hold what another one names."""


@dataclass
class _Element:
    name: str
    hides: bool
    """Its text is a credential."""
    hides_below: bool
    """So is that of all elements in it."""
    names: bool = False
    """An element in it has said that what comes next is a credential."""
    said: list[TextTemplate] = field(default_factory=list)


class XmlMasking:
    """Masking of one document.

    `is_credential`: whether a name is that of a credential; `is_part_of_name` the same for names
    of elements and attributes, which say more. `mask` is given each text that is a credential.
    """

    def __init__(
        self,
        is_credential: Callable[[str], object],
        is_part_of_name: Callable[[str], object],
        mask: Mask,
    ) -> None:
        self._is_credential = is_credential
        self._is_part_of_name = is_part_of_name
        self._mask = mask
        self._placeholders: list[Placeholder] = []
        self._open: list[_Element] = []

    def masked(self, document: TextTemplate) -> TextTemplate:
        """Return a document without its credentials."""
        self._placeholders, self._open = list(document.placeholders), []
        numbers = iter(range(len(self._placeholders)))
        text = "".join(
            piece if isinstance(piece, str) else f"\0{next(numbers)}\0" for piece in document.pieces
        )
        return self._template("".join(self._tokens(text)))

    def _tokens(self, document: str) -> Iterator[str]:
        for token in _TOKEN.finditer(document):
            match token.lastgroup:
                case "cdata":
                    yield f"<![CDATA[{self._text(token['cdata'], in_cdata=True)}]]>"
                case "text":
                    yield self._text(token["text"])
                case "close":
                    self._close()
                    yield token[0]
                case "empty":
                    attributes = self._begin(token["open"], token["attributes"])
                    if token["empty"]:
                        self._open.pop()
                    yield f"<{token['open']}{attributes}{token['empty']}>"
                case _:
                    yield token[0]

    def _begin(self, name: str, attributes: str) -> str:
        """Begin an element; return its attributes without credentials."""
        parent = self._open[-1] if self._open else None
        values = {
            each[1]: each[3] if each[4] is None else each[4]
            for each in _ATTRIBUTE.finditer(attributes)
            if not each[1].startswith("xmlns")
        }
        named = any(
            NAMING.fullmatch(key) and self._is_credential(value) for key, value in values.items()
        )
        is_name = NAMING.fullmatch(name) is not None
        below = named or (not is_name and self._says_credential(name))
        if parent is not None:
            below = below or parent.hides_below or (parent.names and not is_name)
        beside = any(map(self._is_part_of_name, (*values, *values.values())))
        # The root's name is that of the request, and says nothing of most elements in it.
        is_root = parent is None
        self._open.append(_Element(name, below or beside, below and not is_root))
        return _ATTRIBUTE.sub(lambda one: self._attribute(one, named=named), attributes)

    def _says_credential(self, name: str) -> bool:
        return bool(self._is_part_of_name(name) or self._is_credential(name.rpartition(":")[2]))

    def _attribute(self, attribute: re.Match[str], *, named: bool) -> str:
        name, value = attribute[1], attribute[3] if attribute[4] is None else attribute[4]
        hides = self._is_part_of_name(name) or (named and VALUE.fullmatch(name))
        if not value or not hides or name.startswith("xmlns"):
            return attribute[0]
        quote = '"' if attribute[4] is None else "'"
        return f"{name}{attribute[2]}{quote}{self._masked(value)}{quote}"

    def _text(self, text: str, *, in_cdata: bool = False) -> str:
        """Return a text of the element that is open, masked where it is a credential."""
        if not self._open or not text.strip():
            return text
        element = self._open[-1]
        element.said.append(self._template(text if in_cdata else unescape(text)))
        if not element.hides:
            return text
        stripped = text.strip()
        begin, _, end = text.partition(stripped)
        return f"{begin}{self._masked(stripped, in_cdata=in_cdata)}{end}"

    def _close(self) -> None:
        element = self._open.pop()
        pieces = tuple(piece for text in element.said for piece in text.pieces)
        if element.hides and len(element.said) > 1:
            self._mask(_merged(pieces))  # as an answer may repeat it
        if self._open and NAMING.fullmatch(element.name):
            said = "".join(piece for piece in pieces if isinstance(piece, str))
            self._open[-1].names = bool(self._is_credential(said.strip()))

    def _masked(self, text: str, *, in_cdata: bool = False) -> str:
        masked = self._mask(self._template(text if in_cdata else unescape(text)))
        written = "".join(
            piece if isinstance(piece, str) else f"\0{self._placeholders.index(piece)}\0"
            for piece in masked.pieces
        )
        return written if in_cdata else escape(written)

    def _template(self, text: str) -> TextTemplate:
        parts = _PLACE.split(text)
        places = (self._placeholders[int(number)] for number in parts[1::2])
        pieces: list[str | Placeholder] = [parts[0]]
        for place, literal in zip(places, parts[2::2], strict=True):
            pieces += (place, literal)
        return _merged(tuple(pieces))


def _merged(pieces: tuple[str | Placeholder, ...]) -> TextTemplate:
    merged: list[str | Placeholder] = []
    for piece in pieces:
        before = merged[-1] if merged else None
        if isinstance(piece, str) and isinstance(before, str):
            merged[-1] = before + piece
        elif piece:
            merged.append(piece)
    return TextTemplate(tuple(merged))
