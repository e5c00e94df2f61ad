"""Credentials in an XML document: masked by the names of their elements and attributes.

Also where the name is a text itself: `<param name="password" value="…"/>`, or as XML-RPC has it
`<member><name>password</name><value>…</value></member>`. Documents in CDATA sections are read as
well. What a plain search finds is masked besides, wherever it stands: comments have no elements.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape, unescape

from campaign_common.settings.fields.templates import Placeholder, TextTemplate, literal_text
from campaign_providers.check import MASKED

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

_VEIL = "\x01"
"""Stands for a character that a plain search has found: no document has this one either."""

_VEILS = re.compile(f"{_VEIL}+")

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
    of elements and attributes, which say more. `plain` finds credentials in any text: the group
    that matched is one. `mask` is given each text that is a credential.
    """

    def __init__(
        self,
        is_credential: Callable[[str], object],
        is_part_of_name: Callable[[str], object],
        plain: re.Pattern[str],
        mask: Mask,
    ) -> None:
        self._is_credential = is_credential
        self._is_part_of_name = is_part_of_name
        self._plain = plain
        self._mask = mask
        self._placeholders: list[Placeholder] = []
        self._open: list[_Element] = []
        self._document = ""
        self._veiled = ""
        """The document with `_VEIL` for what `plain` finds, character by character."""
        self._written: list[str] = []
        self._written_to = 0

    def masked(self, document: TextTemplate) -> TextTemplate:
        """Return a document without its credentials."""
        self._placeholders, self._open = list(document.placeholders), []
        numbers = iter(range(len(self._placeholders)))
        pieces = [
            piece if isinstance(piece, str) else f"\0{next(numbers)}\0" for piece in document.pieces
        ]
        self._document = "".join(pieces)
        self._veiled = "".join(map(self._veil, pieces))
        self._written, self._written_to = [], 0
        self._read(0, len(self._document))
        shown = "".join([*self._written, self._veiled[self._written_to :]])
        return self._template(_VEILS.sub(MASKED, shown))

    def _veil(self, literal: str) -> str:
        characters = list(literal)
        for found in self._plain.finditer(literal):
            begin, end = found.span(found.lastindex or 0)
            value = literal[begin:end]
            said = value.strip()
            if not said:
                continue
            for form in {said, unescape(said)}:
                self._mask(literal_text(form))  # as an answer may repeat it
            begin += value.index(said)
            characters[begin : begin + len(said)] = _VEIL * len(said)
        return "".join(characters)

    def _read(self, begin: int, end: int) -> None:
        for token in _TOKEN.finditer(self._document, begin, end):
            match token.lastgroup:
                case "cdata":
                    self._cdata(*token.span("cdata"))
                case "text":
                    self._text(*token.span("text"))
                case "close":
                    self._close()
                case "empty":
                    self._begin(token["open"], token.span("attributes"))
                    if token["empty"]:
                        self._open.pop()

    def _begin(self, name: str, span: tuple[int, int]) -> None:
        """Begin an element, whose attributes stand at `span`; mask those that are credentials."""
        parent = self._open[-1] if self._open else None
        attributes = [
            each
            for each in _ATTRIBUTE.finditer(self._document, *span)
            if each[1] != "xmlns" and not each[1].startswith("xmlns:")
        ]
        values = {each[1]: each[3] if each[4] is None else each[4] for each in attributes}
        named = any(
            NAMING.fullmatch(key) and self._is_credential(value) for key, value in values.items()
        )
        is_name = NAMING.fullmatch(name) and not self._is_part_of_name(name.rpartition(":")[0])
        below = named or (not is_name and self._says_credential(name))
        if parent is not None:
            below = below or parent.hides_below or (parent.names and not is_name)
        beside = any(map(self._is_part_of_name, (*values, *values.values())))
        # The root's name is that of the request, and says nothing of most elements in it.
        is_root = parent is None
        self._open.append(_Element(name, below or beside, below and not is_root))
        for each in attributes:
            hides = self._is_part_of_name(each[1]) or (named and VALUE.fullmatch(each[1]))
            if hides and values[each[1]]:
                self._hide(*each.span(3 if each[4] is None else 4))

    def _says_credential(self, name: str) -> bool:
        return bool(self._is_part_of_name(name) or self._is_credential(name.rpartition(":")[2]))

    def _text(self, begin: int, end: int, *, in_cdata: bool = False) -> bool:
        """Mask a text where the element that is open hides it; return whether it does."""
        text = self._document[begin:end]
        said = text.strip()
        if not self._open or not said:
            return False
        element = self._open[-1]
        element.said.append(self._template(text if in_cdata else unescape(text)))
        if element.hides:
            begin += text.index(said)
            self._hide(begin, begin + len(said), in_cdata=in_cdata)
        return element.hides

    def _cdata(self, begin: int, end: int) -> None:
        """Mask a text, or what is a credential in the document that it may be."""
        if self._text(begin, end, in_cdata=True):
            return
        around, self._open = self._open, []
        self._read(begin, end)
        self._open = around

    def _close(self) -> None:
        if not self._open:
            return  # of no document, in a CDATA section
        element = self._open.pop()
        pieces = tuple(piece for text in element.said for piece in text.pieces)
        if element.hides and len(element.said) > 1:
            self._mask(_merged(pieces))  # as an answer may repeat it
        if self._open and NAMING.fullmatch(element.name):
            said = "".join(piece for piece in pieces if isinstance(piece, str))
            self._open[-1].names = bool(self._is_credential(said.strip()))

    def _hide(self, begin: int, end: int, *, in_cdata: bool = False) -> None:
        text = self._document[begin:end]
        masked = self._mask(self._template(text if in_cdata else unescape(text)))
        written = "".join(
            piece if isinstance(piece, str) else f"\0{self._placeholders.index(piece)}\0"
            for piece in masked.pieces
        )
        if _VEIL in self._veiled[begin:end]:
            written = MASKED
        elif not in_cdata:
            written = escape(written)
        self._written += (self._veiled[self._written_to : begin], written)
        self._written_to = end

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
