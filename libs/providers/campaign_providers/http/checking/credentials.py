"""Credentials that stand in the configuration itself: masked by where they stand."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from campaign_common.settings import HttpRequestSettings
from campaign_common.settings.fields.templates import (
    JsonTemplate,
    Placeholder,
    TextTemplate,
    UrlTemplate,
    literal_text,
)
from campaign_providers.check import MASKED
from campaign_providers.http.checking.xml_credentials import NAMING, VALUE, XmlMasking

_CREDENTIAL = (
    r"pass(?:wor[dt]|wd|phrase)?|pwd|secret|token|auth|bearer|credential|signature|cookie"
    r"|(?:api|access|private|client|consumer|x)[_-]?key"
)

CREDENTIAL_NAME = re.compile(rf"(?i){_CREDENTIAL}|^(?:app|auth|account)?[_-]?key$|^pin$")
"""Names of headers and fields whose constant values are masked as secrets."""

TOKEN_IN_PATH = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_~.:-]{20,}")
"""Constant segments of a path that are masked: as random as only a token is."""

SHORTEST_ENCODED = 8
"""Characters of an encoded text that is searched for; shorter ones stand in other texts, too."""

_SCHEME = re.compile(r"[A-Za-z0-9-]{1,24} +")

_WORD = re.compile(r"[^\s:;,|/-]{4,}")
"""Part of a constant that may be a credential; shorter ones and separators are shown."""

_PART_OF_NAME = re.compile(rf"(?i){_CREDENTIAL}")
"""Part of the names of elements and attributes of XML that are those of credentials."""

_PLAIN = re.compile(
    rf"(?i)(?=<[^<>/]*(?:{_CREDENTIAL})[^<>/]*>([^<]+)</"
    rf"|(?<![\w:.-])[\w:.-]*(?:{_CREDENTIAL})[\w:.-]*\s*=\s*[\"']([^\"']+)[\"'])"
)
"""Place before `<password>…` or `password="…"`, in an XML document or any text in one.

It takes no characters, so that one is found in another.
"""


class MaskedSettings:
    """Settings of requests without the credentials in them.

    `constants` are the texts that were taken out, so that answers can be searched for them.
    """

    def __init__(self, settings: HttpRequestSettings) -> None:
        self.constants: set[str] = set()
        headers = {name: self._text(name, text) for name, text in settings.headers.items()}
        if settings.basic is not None:
            headers["Authorization"] = literal_text(f"Basic {MASKED}")
            self._note(settings.basic.password)
        sign, body = settings.sign, settings.body
        for key in (sign.access_key, sign.secret_key):
            self._note(key)
        hidden = literal_text(MASKED)
        self.settings = replace(
            settings,
            url=self._url(settings.url),
            headers=MappingProxyType(headers),
            basic=None,
            sign=replace(
                sign,
                access_key=sign.access_key and hidden,
                secret_key=sign.secret_key and hidden,
            ),
            body=replace(
                body,
                json=self._tree("", body.json),
                form=self._texts(body.form),
                query=self._texts(body.query),
                xml=body.xml and self._xml(body.xml),
            ),
        )

    def _note(self, text: TextTemplate | None) -> None:
        if text is not None:
            self.constants.update(piece for piece in text.pieces if isinstance(piece, str))

    def _text(self, name: str, text: TextTemplate) -> TextTemplate:
        """Mask the constants of a header or field whose name says that it is a credential."""
        return self._hidden(text) if CREDENTIAL_NAME.search(name) else text

    def _hidden(self, text: TextTemplate) -> TextTemplate:
        """Mask the constants of a text that is a credential."""
        if any(placeholder.secret is None for placeholder in text.placeholders):
            return TextTemplate(tuple(map(self._piece, text.pieces)))
        for piece in text.pieces:
            if isinstance(piece, str):
                self.constants.add(piece)
                self.constants.add(piece.rpartition(" ")[2])
        scheme = text.pieces[0] if text.pieces else ""
        if isinstance(scheme, str) and len(text.pieces) > 1 and _SCHEME.fullmatch(scheme):
            self.constants.discard(scheme)
            return literal_text(f"{scheme}{MASKED}")
        return literal_text(MASKED) if text.pieces else text

    def _piece(self, piece: str | Placeholder) -> str | Placeholder:
        """Mask a constant beside values of the message, unless it is a scheme or a separator."""
        if not isinstance(piece, str) or _SCHEME.fullmatch(piece) or not _WORD.search(piece):
            return piece
        self.constants.update(_WORD.findall(piece))
        return _WORD.sub(MASKED, piece)

    def _texts(self, texts: Mapping[str, TextTemplate]) -> Mapping[str, TextTemplate]:
        return MappingProxyType({name: self._text(name, text) for name, text in texts.items()})

    def _url(self, url: UrlTemplate) -> UrlTemplate:
        return replace(
            url,
            segments=tuple(map(self._segment, url.segments)),
            query=tuple(self._parameter(*pair) for pair in url.query),
        )

    def _segment(self, segment: TextTemplate) -> TextTemplate:
        match segment.pieces:
            case (str() as constant,) if TOKEN_IN_PATH.fullmatch(constant):
                self.constants.add(constant)
                return literal_text(MASKED)
        return segment

    def _parameter(self, name: str, value: TextTemplate | None) -> tuple[str, TextTemplate | None]:
        if value is not None:
            return name, self._text(name, value)
        # The URL of the provider with a fixed body has its whole query in one text.
        return "&".join(self._raw_parameter(pair) for pair in name.split("&")), None

    def _raw_parameter(self, pair: str) -> str:
        name, has_value, value = pair.partition("=")
        if not has_value or not value or not CREDENTIAL_NAME.search(name):
            return pair
        self.constants.add(value)
        return f"{name}={MASKED}"

    def _tree(self, name: str, tree: JsonTemplate) -> JsonTemplate:
        match tree:
            case TextTemplate():
                return self._text(name, tree)
            case Mapping():
                given = _given_name(tree)
                below = {}
                for key, value in tree.items():
                    own = given if given and VALUE.fullmatch(key) else key
                    below[key] = self._tree(name if CREDENTIAL_NAME.search(name) else own, value)
                return MappingProxyType(below)
            case tuple():
                return tuple(self._tree(name, item) for item in tree)
            case int() | float() if not isinstance(tree, bool) and CREDENTIAL_NAME.search(name):
                self.constants.add(str(tree))
                return literal_text(MASKED)
        return tree

    def _xml(self, document: TextTemplate) -> TextTemplate:
        masking = XmlMasking(CREDENTIAL_NAME.search, _PART_OF_NAME.search, _PLAIN, self._hidden)
        return masking.masked(document)


def _given_name(tree: Mapping[str, JsonTemplate]) -> str | None:
    """Return the name of a credential that an object gives, as `{"name": "password", …}` does."""
    for key, value in tree.items():
        match value:
            case TextTemplate(pieces=(str() as said,)) if NAMING.fullmatch(key):
                if CREDENTIAL_NAME.search(said):
                    return said
    return None


def credential_values(
    settings: HttpRequestSettings, secrets: Mapping[str, str], constants: set[str]
) -> Iterator[str]:
    """Yield every text that must not be shown: secrets, constants, and what is made of them."""
    yield from secrets.values()
    yield from constants
    for text in {*secrets.values(), *constants}:
        yield from _encoded(text)
    if settings.basic is not None:
        user, password = (
            "".join(
                piece if isinstance(piece, str) else secrets.get(piece.secret or "", "")
                for piece in text.pieces
            )
            for text in (settings.basic.user, settings.basic.password)
        )
        yield user
        yield password
        yield from _encoded(f"{user}:{password}")


def _encoded(text: str) -> Iterator[str]:
    """Yield what shows a text in hexadecimal (UTF-8 and UTF-16) and in Base64.

    In Base64 a text looks in one of three ways, by the bytes before it; characters that also hold
    bits of its neighbours are left out.
    """
    content = text.encode()
    for form in (content.hex(), text.encode("utf-16-be").hex()):
        if len(form) >= SHORTEST_ENCODED:
            yield form
    whole = b64encode(content).decode().rstrip("=")
    cores = [
        b64encode(b"\0" * before + content).decode()[first : (before + len(content)) * 8 // 6]
        for before, first in ((0, 0), (1, 2), (2, 3))
    ]
    for form in (whole, *cores):
        if len(form) >= SHORTEST_ENCODED:
            yield form
            yield form.translate(str.maketrans("+/", "-_"))
