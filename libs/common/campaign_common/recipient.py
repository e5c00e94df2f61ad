"""A recipient: one person of a list, and what a phone number and a name may look like."""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

PHONE = "phone"
NAME = "name"

LONGEST_NAME = 255
"""In characters; the column recipients.name holds no more."""

PHONE_EMPTY = "phone is empty"
PHONE_INVALID = "phone is not 7 to 15 digits"
NAME_TOO_LONG = f"name is longer than {LONGEST_NAME} characters"

TOMBSTONE = "x"
"""What the stored number of an erased recipient begins with."""

_SHORTEST_PHONE = 7
_LONGEST_PHONE = 15
_PUNCTUATION = str.maketrans("", "", "+ -.()")
_PHONE = re.compile(f"[0-9]{{{_SHORTEST_PHONE},{_LONGEST_PHONE}}}")


class Recipient(NamedTuple):
    """One accepted row of a recipient list; `seq` numbers it within the list, with gaps."""

    seq: int
    phone: str
    name: str
    attributes: Mapping[str, str] | None


def normalise_phone(text: str) -> str | None:
    """Reduce a phone number to its digits, or return None when it is none.

    `+`, spaces, hyphens, dots and parentheses are dropped; 7 to 15 ASCII digits must remain
    (ITU-T E.164 allows no more than 15).
    """
    if _PHONE.fullmatch(text):
        return text
    digits = text.translate(_PUNCTUATION)
    return digits if _PHONE.fullmatch(digits) else None


def tombstone(seq: int) -> str:
    """Return what stands for the number of an erased recipient: unique in its list, no number."""
    return f"{TOMBSTONE}{seq:x}"


def is_erased(phone: str) -> bool:
    """Tell whether a stored number is the tombstone of an erased recipient."""
    return phone.startswith(TOMBSTONE)


def column_name(text: str) -> str:
    """Reduce the name of a column to the form in which columns are stored and compared.

    Surrounding white space and the difference of upper and lower case do not matter, nor
    how a letter with an accent is composed (Unicode NFC).
    """
    return unicodedata.normalize("NFC", text.strip()).casefold()
