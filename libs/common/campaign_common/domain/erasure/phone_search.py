"""Finding a phone number in text, however it is written there."""

import re
import unicodedata

_BETWEEN = "[^0-9A-Za-z]{0,3}"
"""Characters that may stand between two digits: blanks, hyphens, dots, parentheses."""


class PhonePattern:
    """A phone number as it may be written: its forms in digits, with any punctuation.

    Digits of every script count. It may be part of a longer row of digits: a search for a number
    to erase must rather find too much.
    """

    def __init__(self, *forms: str) -> None:
        """Take the forms as ASCII digits, such as with and without the country code."""
        self._pattern = re.compile("|".join(_BETWEEN.join(form) for form in forms))

    def is_in(self, text: str) -> bool:
        """Return whether `text` holds the number."""
        return (
            self._pattern.search(text if text.isascii() else _with_ascii_digits(text)) is not None
        )


def _with_ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
