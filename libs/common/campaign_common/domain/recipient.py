"""A recipient: one person of a list, and their name and values."""

import unicodedata
from collections.abc import Mapping
from typing import NamedTuple, NewType

PHONE = "phone"
NAME = "name"

LONGEST_NAME = 255
"""In characters; the column recipients.name holds no more."""

NAME_TOO_LONG = f"name is longer than {LONGEST_NAME} characters"

TOMBSTONE = "x"
"""The beginning of the stored number of an erased recipient."""

ListId = NewType("ListId", int)
"""The number of a recipient list."""


class Recipient(NamedTuple):
    """One accepted row of a recipient list; `seq` numbers it within the list, with gaps."""

    seq: int
    phone: str
    name: str
    attributes: Mapping[str, str] | None


def trimmed(value: str) -> str:
    """Return a value without surrounding blanks; one of blanks and unseen characters is empty."""
    value = value.strip()
    if value.isascii() or unicodedata.category(value[0]) != "Cf":
        return value
    return "" if is_unseen(value) else value


def is_unseen(text: str) -> bool:
    """Return whether a text holds nothing but blanks and characters that are not seen."""
    return all(c.isspace() or unicodedata.category(c) == "Cf" for c in text)


def tombstone(seq: int) -> str:
    """Return what stands for the number of an erased recipient: unique in its list, no number."""
    return f"{TOMBSTONE}{seq:x}"


def is_erased(phone: str) -> bool:
    """Return whether a stored number is the tombstone of an erased recipient."""
    return phone.startswith(TOMBSTONE)


def column_name(text: str) -> str:
    """Reduce the name of a column to the form in which columns are stored and compared.

    Surrounding white space and the difference of upper and lower case do not matter, nor
    how a letter with an accent is composed (Unicode NFC).
    """
    return unicodedata.normalize("NFC", text.strip()).casefold()
