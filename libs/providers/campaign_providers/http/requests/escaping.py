"""Escaping of values for the places that they are put into."""

import re
from urllib.parse import quote

from campaign_providers.http.requests.values import Unsendable

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no form for (section 2.2)."""

_XML_ESCAPES = {ord(each): f"&#{ord(each)};" for each in "&<>\"'\t\n\r"}
"""Markup, and the blanks that a parser would change."""

_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")  # RFC 3986, section 2.3


def as_text(value: str | int) -> bytes:
    """Return a value as UTF-8."""
    return value.encode() if isinstance(value, str) else b"%d" % value


def in_url(value: str | int) -> bytes:
    """Return a value with everything but unreserved characters percent-encoded, as UTF-8."""
    text = str(value)
    if _UNRESERVED.fullmatch(text):
        return text.encode()
    return quote(text, safe="").encode()


def in_path(value: str | int) -> bytes:
    """Return a value as a part of a path segment; dots, of which a segment may consist, too."""
    return in_url(value).replace(b".", b"%2E")


def in_xml(value: str | int) -> bytes:
    """Return a value as text or quoted attribute value of XML.

    Raises:
        Unsendable: it contains a character that XML 1.0 has no form for.
    """
    text = str(value)
    if _NOT_IN_XML.search(text):
        raise Unsendable("character_not_in_xml")
    return text.translate(_XML_ESCAPES).encode()


def in_header(value: str | int) -> bytes:
    """Return a value as a part of a header.

    Raises:
        Unsendable: it contains anything but printable ASCII, such as a line break.
    """
    text = str(value)
    if not text.isascii() or not text.isprintable():
        raise Unsendable("character_not_in_header")
    return text.encode()
