"""Redaction: secrets and a phone number, in whatever form they stand in a text, are masked."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from urllib.parse import quote

import phonenumbers

from campaign_common.runtime.logs import mask_phone
from campaign_providers.check import MASKED

SHORT = 6
"""Characters below which a secret is masked only where it stands apart, and not within words."""

LONG = 256
"""Characters from which letters and digits of a secret are searched for only as they are."""

FEWEST_DIGITS = 5
"""Digits of a national number that is searched for without its country code."""

LAST_OF_ASCII = 127

_NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}

_APART = (
    r"(?:(?<![0-9A-Za-z])|(?<=[%=][0-9A-Fa-f]{2})|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})"
    r"|(?<=\\x[0-9A-Fa-f]{2}))"
)
"""Beginning of a word, also behind the escape of a character that is none of it."""

_BETWEEN_DIGITS = (
    r"(?:[%=][0-9A-Fa-f]{2}|\\u00[0-9A-Fa-f]{2}|&nbsp;|&#x?[0-9A-Fa-f]{1,4};|[^0-9A-Za-z]){0,3}?"
)

_RETURN = r"(?:\r|\\r|%0D|&#(?:13|xD);)"
_NEWLINE = r"(?:\n|\\n|%0A|&#(?:10|xA);)"

_BREAKS = tuple(
    re.compile(rf"(?i)(?:=|%3D)?{_RETURN}?{_NEWLINE}{more}") for more in ("", r"(?:[ \t]|\\t)+")
)
"""Breaks of a long line, also in JSON, URLs and XML: as they are, and with the indentation of the
next line, which folded headers have (RFC 5322, section 2.2.3). Lines of quoted-printable text end
with `=` (RFC 2045, section 6.7)."""

LAST_DIGITS = 8
"""Digits at the end of a number by which it is known: gateways change what is before them."""


class Redaction:
    """Redaction of the texts of one request and its answer."""

    def __init__(self, secrets: Iterable[str], phone: str) -> None:
        longest_first = sorted({each for each in secrets if each}, key=len, reverse=True)
        written = "|".join(map(_pattern, longest_first)) or r"(?!)"
        self._secrets = re.compile(written, re.IGNORECASE)  # hexadecimal ones may change their case
        forms = _forms(phone)
        self._phones = [(_digits_pattern(form), mask_phone(form)) for form in forms]
        self._phones += [
            (re.compile(encoded, re.IGNORECASE), MASKED)
            for form in forms
            for encoded in (form.encode("utf-16-be").hex(), form.encode().hex())
        ]

    def __call__(self, text: str) -> str:
        """Return a text with every secret masked, and the phone number but for two digits."""
        breaks = [line_break for line_break in _BREAKS if line_break.search(text)]
        shown = _Lines(text)
        # The whole number over all lines before its parts.
        for pattern, masked in ((self._secrets, MASKED), *self._phones):
            shown = shown.replaced(pattern, masked)
            for line_break in breaks:
                shown = shown.replaced_over(line_break, pattern, masked)
        return shown.text


class _Lines:
    """Text whose breaks are looked for once: an answer may be made of nothing else."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._joined: dict[re.Pattern[str], str] = {}
        """The text without breaks of a kind."""

    def replaced(self, pattern: re.Pattern[str], by: str) -> "_Lines":
        """Replace what matches a pattern."""
        text, number = pattern.subn(by, self.text)
        return _Lines(text) if number else self

    def replaced_over(
        self, line_break: re.Pattern[str], pattern: re.Pattern[str], by: str
    ) -> "_Lines":
        """Replace what matches a pattern if breaks of lines are left out; other breaks are kept."""
        joined = self._joined.get(line_break)
        if joined is None:
            joined = self._joined[line_break] = line_break.sub("", self.text)
        matches = list(pattern.finditer(joined))
        if not matches:
            return self
        ends, shifts = self._places(line_break)
        parts: list[str] = []
        done = 0
        for match in matches:
            begin = match.start() + shifts[bisect_right(ends, match.start())]
            parts += (self.text[done:begin], by)
            done = match.end() + shifts[bisect_left(ends, match.end())]
        return _Lines("".join([*parts, self.text[done:]]))

    def _places(self, line_break: re.Pattern[str]) -> tuple[list[int], list[int]]:
        """Return where lines end when all are joined, and the characters of breaks before each."""
        ends: list[int] = []
        shifts = [0]
        for begin, end in (found.span() for found in line_break.finditer(self.text)):
            ends.append(begin - shifts[-1])
            shifts.append(shifts[-1] + end - begin)
        return ends, shifts


def _pattern(secret: str) -> str:
    plain = len(secret) >= LONG
    written = "".join(_written(character, plain=plain) for character in secret)
    return rf"{_APART}{written}(?![0-9A-Za-z])" if len(secret) < SHORT else written


def _written(character: str, *, plain: bool) -> str:
    """Return a pattern of the forms of a character.

    They are those in text, URLs, JSON, XML, HTML and quoted-printable text.
    """
    literal = re.escape(character)
    if plain and character.isalnum():
        return literal
    number = ord(character)
    if number > LAST_OF_ASCII:
        return f"(?:{literal}|{quote(character).replace('%', '[%=]')})"
    digits = f"{number:02x}"
    # The longest forms first: nothing of one shall be left behind.
    forms = [
        f"&#(?:0*{number}|x0*{digits});",
        rf"\\u00{digits}",
        rf"\\x{digits}",
        f"(?:%(?:25)*|=){digits}",
        rf"\\?{literal}",
    ]
    if character in _NAMED:
        forms.insert(0, f"&{_NAMED[character]};")
    if character == " ":
        forms += (r"\+", r"\\t", r"\t")
    return f"(?:{'|'.join(forms)})"


def _digits_pattern(digits: str) -> re.Pattern[str]:
    written = [_written(digit, plain=False) for digit in digits]
    return re.compile(_BETWEEN_DIGITS.join(written), re.IGNORECASE)


def _forms(phone: str) -> list[str]:
    """Return a number in digits: whole, without its country code, and its last digits."""
    forms = [phone]
    try:
        parsed = phonenumbers.parse(f"+{phone}")
    except phonenumbers.NumberParseException:
        pass
    else:
        national = phonenumbers.national_significant_number(parsed)
        if FEWEST_DIGITS <= len(national) < len(phone):
            forms.append(national)
    if len(forms[-1]) > LAST_DIGITS:
        forms.append(phone[-LAST_DIGITS:])
    return forms
