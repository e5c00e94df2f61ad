"""Truncation of texts in responses, so that long input is not echoed."""

import json

CUT = "\u2026"


def bounded(text: str, most: int) -> str:
    """Return `text` where JSON writes it in up to `most` bytes of ASCII, else its beginning."""
    if len(text) * _LARGEST <= most or _length(text) <= most:
        return text
    kept = text[:most]
    room = most - _length(CUT)
    # Whatever the characters take, each step drops enough of them to end soon.
    while (beyond := _length(kept) - room) > 0:
        kept = kept[: -max(1, beyond // _LARGEST)]
    return kept + CUT


_LARGEST = 12
"""Bytes of one character: two escapes, one for each half of a surrogate pair (RFC 8259)."""


def _length(text: str) -> int:
    return len(json.dumps(text)) - 2
