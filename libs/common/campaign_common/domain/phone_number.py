"""One telephone number as people write it: a grammar, and a reason for each value that is none.

A number is an optional `+` or `00` and groups of digits with one separator between two of them: a
blank, a hyphen, a dot or a slash. A blank beside a hyphen, a slash or a parenthesis belongs to it.
One group may stand in parentheses, and at most one has seven digits or more. 7 to 15 digits are
read in all (ITU-T E.164), without the `+`. `(0)` after a country code is the trunk prefix that is
not dialled from abroad, and is dropped; `tel:` before an international number is (RFC 3966).

Typographic hyphens, no-break and other blanks and full-width punctuation count as their ASCII
forms; characters that are not seen count as a blank between two digits and as nothing elsewhere.

What can be read as something else (a decimal fraction, a date, two numbers) is none. Reasons never
quote digits: they are kept when a person is erased.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

Kind = tuple[Callable[[str], object], str]
"""A test for what a text is, and the reason that names it."""

EMPTY = "phone is empty"
NOT_7_TO_15_DIGITS = "phone is not 7 to 15 digits"
DECIMAL_FRACTION = (
    "phone is a decimal fraction, as tools write numbers beside an empty cell;"
    " export the column as text"
)
SCIENTIFIC = "phone is in scientific notation, which loses digits; export the column as text"
DATE = "phone is a date"
IP_ADDRESS = "phone is an IP address"
TWO_NUMBERS = "phone holds two numbers"
ALTERNATIVE_ENDING = "phone ends in a slash and a few digits: two numbers, or an extension"
EXTENSION = "phone has an extension, which no message reaches"
LETTERS = "phone has letters"
OTHER_DIGITS = "phone has other digits than 0 to 9"
OVERRIDE = "phone has a right-to-left override: it is shown in another order than it is stored"
PLUS_ZERO = "phone has a + before a 0, and no country code begins with 0"
ZERO_IN_PARENTHESES = "phone has (0) where no country code precedes it"
ZERO_OF_THE_NUMBER = "phone has (0) after the code of a country whose numbers keep their 0"
TEL_LOCAL = "phone is a tel: URI without a +; a local number says nothing without its context"
TEL_PARAMETER = "phone is a tel: URI with parameters, such as an extension or a context"
NOT_GROUPS = "phone is not groups of digits with one separator between them"
UNKNOWN_CHARACTER = "phone has the character {}"

LONGEST = 64
"""Characters of a value that is looked at; no number is written with more."""

SHORTEST_DIGITS = 7
LONGEST_DIGITS = 15

ZERO_KEPT = frozenset({"39", "225", "229", "241", "242", "378"})
"""Calling codes of countries whose own numbers may begin with 0 (metadata of libphonenumber)."""


class Written(NamedTuple):
    """A number as it was read; `is_international` means that it had a +."""

    digits: str
    is_international: bool


_PLAIN = re.compile(f"[0-9]{{{SHORTEST_DIGITS},{LONGEST_DIGITS}}}")

# Spellings that nearly all others have; they are neither dates nor fractions nor two numbers.
_COMMON = re.compile(
    r"\+[1-9][0-9]{0,5}(?:(?:[ -][0-9]{1,6}){1,6}|[ -][0-9]{7,14})"
    r"|(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}"
)
_PUNCTUATION = str.maketrans("", "", "+ -.()")

_INVISIBLE = "\u200b"
"""Stands for every invisible character until it becomes a blank, or nothing."""

_RIGHT_TO_LEFT_OVERRIDE = "\u202e"

_TYPOGRAPHIC = {
    "\u2212": "-",
    "\u2043": "-",
    "\u30fc": "-",
    "\uff08": "(",
    "\uff09": ")",
    "\uff0b": "+",
    "\uff0e": ".",
    "\uff0f": "/",
    "\u301c": "~",
    "\u3030": "~",
}
"""Punctuation outside of the categories Pd and Zs; the last two are in Pd, and mean ranges."""

_CATEGORIES = {"Zs": " ", "Pd": "-", "Cf": _INVISIBLE}
"""Blanks, hyphens, and what is not seen, by their category in Unicode."""

_BETWEEN_DIGITS = re.compile(f"(?<=[0-9]){_INVISIBLE}+(?=[0-9])")

# Calling codes (ITU-T E.164): each of one or two digits is here, every other one has three.
_SHORT_CODE = "1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
_CODE = f"(?:{_SHORT_CODE}|(?!{_SHORT_CODE})[2-9][0-9][0-9])"
_ZERO = re.compile(r" ?[-./]? ?\( ?0 ?\) ?[-./]? ?")
_BEFORE_ZERO = re.compile(rf"(?:\+ ?|00 ?)?({_CODE})|\( ?(?:\+|00)({_CODE}) ?\)")

_SEPARATOR = r"(?: ?[-/] ?| |\.)"
_BESIDE = r"(?: ?[-/.]? ?)"
_INSIDE = "[0-9]+(?:[ -][0-9]+)?"
_GROUPS = re.compile(
    rf"(\+ ?)?(?:\( ?(\+ ?)?{_INSIDE} ?\){_BESIDE})?[0-9]+"
    rf"(?:{_SEPARATOR}[0-9]+)*(?:{_BESIDE}\( ?{_INSIDE} ?\){_BESIDE}[0-9]+)?(?:{_SEPARATOR}[0-9]+)*"
)
_DIGITS = re.compile("[0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
_LONG_GROUP = 7
_SHORTEST_AFTER_SLASH = 4

_MONTH = "(?:0?[1-9]|1[0-2])"
_DAY = "(?:0?[1-9]|[12][0-9]|3[01])"
_YEAR = "[0-9]{4}"
_TIME = (
    r"(?:(?:T| ?,? ?)[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2}(?:[.,][0-9]+)?)?"
    r"(?: ?[AP]M| ?Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_A_DATE = re.compile(
    rf"(?:{_YEAR}(?P<a>[-./])(?:{_MONTH}(?P=a){_DAY}|{_DAY}(?P=a){_MONTH})"
    rf"|(?:{_DAY}(?P<b>[-./]){_MONTH}|{_MONTH}(?P<c>[-./]){_DAY})(?:(?P=b)|(?P=c)){_YEAR}"
    # Blanks separate the groups of numbers too, so the year must look like one.
    rf"|(?:19|20)[0-9]{{2}} (?:{_MONTH} {_DAY}|{_DAY} {_MONTH})"
    rf"|(?:{_MONTH} {_DAY}|{_DAY} {_MONTH}) (?:19|20)[0-9]{{2}}"
    r"|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[T ][0-9]{4}(?:[0-9]{2})?Z?)"
    rf"{_TIME}",
    re.IGNORECASE,
)
_BLANKS_BESIDE = re.compile(" ?([-./]) ?")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?e[+-]?[0-9]+", re.IGNORECASE)
# One dot, with a whole number or nothing but 0 before it, or with no more than cents behind it.
_FRACTION = re.compile(r"[+-]?(?:[0-9]+[.,](?:[0-9]{1,2}|0+)|(?:0|[0-9]{7,})[.,][0-9]+)")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IP_ADDRESS = re.compile(rf"(?![0-9][0-9](?:\.[0-9][0-9]){{3}}$){_OCTET}(?:\.{_OCTET}){{3}}")
_EXTENSION = re.compile(
    r".*[0-9)] ?[,;]? ?(?:ext(?:ension|n)?|x|#|durchwahl|dw|poste|anexo|int)[.:= ]{0,3}[0-9]+#?",
    re.IGNORECASE,
)
_SECOND_PLUS = re.compile(r"\+[^+]*[0-9][^+]*\+")
_NOT_IN_ONE = re.compile(r"[^0-9 ().\-]+")
_OTHER = re.compile(r"[^0-9 +().\-/]")


class NoPhoneNumber(ValueError):
    """A text that is not one telephone number; the message is the reason."""


def normalise_phone(text: str) -> str | None:
    """Return the digits of a number, or None where the text is none; `phone_fault` says why.

    A leading 00 stays where it is: whether it leads abroad depends on the country it is dialled in.
    """
    if _PLAIN.fullmatch(text):
        return text
    text = text.strip()
    if text[:1] == "+" and text[1:2] != "0" and _PLAIN.fullmatch(text, 1):
        return text[1:]
    if _PLAIN.fullmatch(text):
        return text
    if _COMMON.fullmatch(text):
        digits = text.translate(_PUNCTUATION)
        return digits if SHORTEST_DIGITS <= len(digits) <= LONGEST_DIGITS else None
    try:
        digits = read_phone(text).digits
    except NoPhoneNumber:
        return None
    return digits if len(digits) >= SHORTEST_DIGITS else None


def phone_fault(text: str) -> str:
    """Return why a text that is no number is none."""
    try:
        read_phone(text)
    except NoPhoneNumber as fault:
        return str(fault)
    return NOT_7_TO_15_DIGITS


def read_phone(text: str) -> Written:
    """Read one number, which may be too short to be one without its country.

    Raises:
        NoPhoneNumber: it is something else, with the reason.
    """
    written = _without_zero(_without_scheme(_folded(text)))
    found = _GROUPS.fullmatch(written)
    if found is None or (found[1] and found[2]):
        raise NoPhoneNumber(_seen(written))
    groups = _DIGITS.findall(written)
    digits = "".join(groups)
    is_international = bool(found[1] or found[2])
    if len(groups) > 1:
        _require_one(written, groups, is_international=is_international)
    if len(digits) > LONGEST_DIGITS:
        raise NoPhoneNumber(NOT_7_TO_15_DIGITS)
    if is_international and digits[0] == "0":
        raise NoPhoneNumber(PLUS_ZERO)
    return Written(digits, is_international)


def _folded(text: str) -> str:
    """Fold typographic punctuation into ASCII, and drop blanks around the text."""
    text = text.strip()
    if len(text) > LONGEST:
        raise NoPhoneNumber(NOT_7_TO_15_DIGITS)
    if not text.isascii():
        if _RIGHT_TO_LEFT_OVERRIDE in text:
            raise NoPhoneNumber(OVERRIDE)
        # What glues two groups together unseen still stands between them.
        folded = _BETWEEN_DIGITS.sub(" ", "".join(map(_ascii, text)))
        text = folded.replace(_INVISIBLE, "").strip()
    if not text:
        raise NoPhoneNumber(EMPTY)
    return text


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    return _TYPOGRAPHIC.get(character) or _CATEGORIES.get(category, character)


def _without_scheme(written: str) -> str:
    """Drop tel: of RFC 3966 before an international number."""
    if written[:4].casefold() != "tel:":
        return written
    if ";" in written:
        raise NoPhoneNumber(TEL_PARAMETER)
    if written[4:5] != "+":
        raise NoPhoneNumber(TEL_LOCAL)
    return written[4:]


def _without_zero(written: str) -> str:
    """Drop (0) after a country code."""
    zero = _ZERO.search(written)
    if zero is None:
        return written
    before = _BEFORE_ZERO.fullmatch(written, 0, zero.start())
    if before is None:
        raise NoPhoneNumber(ZERO_IN_PARENTHESES)
    if (before[1] or before[2]) in ZERO_KEPT:
        raise NoPhoneNumber(ZERO_OF_THE_NUMBER)
    return f"{written[: zero.start()]} {written[zero.end() :]}".strip()


def _require_one(written: str, groups: list[str], *, is_international: bool) -> None:
    """Refuse groups of digits that are something else than one number, or may be two."""
    if sum(len(group) >= _LONG_GROUP for group in groups) > 1:
        raise NoPhoneNumber(TWO_NUMBERS)
    named = _named(written, _WRITTEN_ALIKE)
    if named is not None:
        raise NoPhoneNumber(named)
    if "/" in written:
        behind = sum(map(len, _DIGITS.findall(written.rpartition("/")[2])))
        if written.count("/") > 1 or behind < _SHORTEST_AFTER_SLASH:
            raise NoPhoneNumber(ALTERNATIVE_ENDING)
    leads_abroad = is_international or groups[0].startswith("00")
    if not leads_abroad and _may_be_two(groups):
        raise NoPhoneNumber(TWO_NUMBERS)


def _may_be_two(groups: list[str]) -> bool:
    lengths = list(accumulate(map(len, groups)))
    longest = lengths[-1] - SHORTEST_DIGITS
    return any(SHORTEST_DIGITS <= length <= longest for length in lengths)


def _seen(written: str) -> str:
    """Name what a text is that no number is written as."""
    named = _named(written, _WRITTEN_OTHERWISE)
    if named is not None:
        return named
    other = _OTHER.search(written)
    if other is None:
        return NOT_GROUPS
    point = f"U+{ord(other[0]):04X}"
    return UNKNOWN_CHARACTER.format(f"{point} {unicodedata.name(other[0], '')}".rstrip())


def _named(written: str, kinds: Iterable[Kind]) -> str | None:
    return next((reason for is_kind, reason in kinds if is_kind(written)), None)


def _is_date(written: str) -> bool:
    return _A_DATE.fullmatch(_BLANKS_BESIDE.sub(r"\1", written)) is not None


def _holds_two(written: str) -> bool:
    if _SECOND_PLUS.search(written):
        return True
    long_groups = [group for group in _DIGITS.findall(written) if len(group) >= _LONG_GROUP]
    pieces = (sum(map(len, _DIGITS.findall(piece))) for piece in _NOT_IN_ONE.split(written))
    return len(long_groups) > 1 or sum(n >= SHORTEST_DIGITS for n in pieces) > 1


def _has_other_digits(written: str) -> bool:
    return any(c.isdecimal() and not c.isascii() for c in written)


_WRITTEN_ALIKE: Sequence[Kind] = (
    (_is_date, DATE),
    (_FRACTION.fullmatch, DECIMAL_FRACTION),
    (_IP_ADDRESS.fullmatch, IP_ADDRESS),
)
"""Other values that consist of digits and the separators of numbers."""

_WRITTEN_OTHERWISE: Sequence[Kind] = (
    (_SCIENTIFIC.fullmatch, SCIENTIFIC),
    *_WRITTEN_ALIKE,
    (_holds_two, TWO_NUMBERS),
    (_EXTENSION.fullmatch, EXTENSION),
    (_LETTER.search, LETTERS),
    (_has_other_digits, OTHER_DIGITS),
)
