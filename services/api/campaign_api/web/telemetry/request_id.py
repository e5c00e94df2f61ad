"""Request ids of clients, checked before they are logged."""

import re
from secrets import token_hex

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RANDOM = re.compile(
    r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
"""Hexadecimal ids of 64 and 128 bits, and UUIDs: runs of decimal digits are ordinary there."""

_SEPARATORS = re.compile(r"[._-]")
_PHONE = re.compile(r"[0-9]{7}")
"""The shortest telephone number that a list may hold."""

_LETTERS = 8
"""Digits of a random id among which at least one is a letter, so that it is no padded number."""


def request_id(sent: str | None) -> str:
    """Return a client's id, or a random one if it is malformed or could be a phone number.

    An id that is written to the log could carry a phone number there: one with seven digits in a
    row, separators aside, is replaced, unless it is a UUID or a random hexadecimal id.
    """
    if sent is None or not _ID.fullmatch(sent) or _could_hold_a_phone(sent):
        return token_hex(16)
    return sent


def trace_id_could_hold_a_phone(trace_id: str) -> bool:
    """Return whether a trace id of 32 hexadecimal digits may be a number with zeros before it."""
    return trace_id.isdecimal()


def _could_hold_a_phone(sent: str) -> bool:
    if _RANDOM.fullmatch(sent):
        letters = sum(character.isalpha() for character in sent)
        return letters < len(_SEPARATORS.sub("", sent)) // _LETTERS
    return _PHONE.search(_SEPARATORS.sub("", sent)) is not None
