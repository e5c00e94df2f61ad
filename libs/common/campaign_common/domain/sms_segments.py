"""SMS segments: the encoding of a text, and the number of segments that it takes.

A segment carries 140 octets: 160 characters of the GSM 7-bit default alphabet, or 70 UTF-16
code units of UCS-2 (3GPP TS 23.038). A longer text is concatenated: each segment gives 6
octets to the header that numbers it (3GPP TS 23.040, 8-bit reference), which leaves 153 or 67.
Neither an escape sequence nor a surrogate pair is divided between two segments. The national
shift tables of TS 23.038 are not considered: a handset may lack them.
"""

import re
from enum import StrEnum
from typing import NamedTuple

# TS 23.038, 6.2.1: the default alphabet in the order of its codes, without the escape (0x1B).
DEFAULT_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

EXTENSION = "\f^{}\\[~]|€"
"""TS 23.038, 6.2.1.1: characters of two septets, the escape and their own."""


class Encoding(StrEnum):
    """The encoding of a message; one character outside of GSM 7-bit makes all of it UCS-2."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


class _Room(NamedTuple):
    """Septets or code units in a message of one segment, and in each of several."""

    alone: int
    concatenated: int


_ROOM = {Encoding.GSM7: _Room(160, 153), Encoding.UCS2: _Room(70, 67)}

_FORCES_UCS2 = re.compile(f"[^{re.escape(DEFAULT_ALPHABET + EXTENSION)}]")
_ESCAPED = re.compile(f"[{re.escape(EXTENSION)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Segmentation(NamedTuple):
    """The segments of one text. `characters` counts Unicode code points.

    `forced_by` is the first character that GSM 7-bit lacks, None where there is none. `encoding` is
    None of what is no short message.
    """

    characters: int
    encoding: Encoding | None
    segments: int
    forced_by: str | None


def segmentation(text: str) -> Segmentation:
    """Count the segments of `text`; an empty text takes one."""
    foreign = _FORCES_UCS2.search(text)
    encoding, wide = (Encoding.UCS2, _ASTRAL) if foreign else (Encoding.GSM7, _ESCAPED)
    room = _ROOM[encoding]
    alone = _units(text, wide) <= room.alone
    segments = 1 if alone else _concatenated(text, wide, room.concatenated)
    return Segmentation(len(text), encoding, segments, foreign[0] if foreign else None)


def characters_outside_gsm7(text: str) -> list[str]:
    """Return the characters of `text` that GSM 7-bit lacks, each once, in order."""
    return list(dict.fromkeys(_FORCES_UCS2.findall(text)))


def _units(text: str, wide: re.Pattern[str]) -> int:
    return len(text) + len(wide.findall(text))


def _concatenated(text: str, wide: re.Pattern[str], room: int) -> int:
    """Count segments of up to `room` units; a character of two units is never divided."""
    segments = start = 0
    while start < len(text):
        end = start + room
        # Taking a character away saves one unit or two: too many never go at once.
        while (excess := _units(text[start:end], wide) - room) > 0:
            end = min(end, len(text)) - (excess + 1) // 2
        start = end
        segments += 1
    return segments
