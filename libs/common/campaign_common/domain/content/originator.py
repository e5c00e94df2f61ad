"""The originator of a message: the address that its recipient sees it come from.

The address of a short message (3GPP TS 23.040, 9.1.2.5) holds ten octets: eleven characters of
the GSM 7-bit default alphabet, or twenty digits. A number with a plus is international, and has
fifteen digits at most (ITU-T E.164). The ids of WhatsApp's senders are digits too.
"""

import re

from campaign_common.domain.sms_segments import DEFAULT_ALPHABET
from campaign_common.errors import OriginatorInvalid

MOST_CHARACTERS = 11
MOST_DIGITS = 20
MOST_INTERNATIONAL_DIGITS = 15

_NUMBER = re.compile(rf"\+[0-9]{{1,{MOST_INTERNATIONAL_DIGITS}}}|[0-9]{{1,{MOST_DIGITS}}}")
_VISIBLE = frozenset(DEFAULT_ALPHABET) - frozenset("\r\n")


def folded_originator(text: str) -> str:
    """Return an originator in the form that all ways to write it share.

    A number has no plus, and letters are small where the alphabet has both.
    """
    if _NUMBER.fullmatch(text):
        return text.removeprefix("+")
    small = ((character, character.lower()) for character in text)
    return "".join(low if low in _VISIBLE else character for character, low in small)


def can_receive(text: str) -> bool | None:
    """Return whether people can answer to an originator: to a number, and not to a name.

    None: it is no address, but the name of several, such as the id of a pool of numbers.
    """
    try:
        return _NUMBER.fullmatch(require_originator(text)) is not None
    except OriginatorInvalid:
        return None


def require_originator(text: str) -> str:
    """Return `text` if it can be the originator of a message.

    Raises:
        OriginatorInvalid: it is too long, or has a character that such an address cannot hold.
    """
    if _NUMBER.fullmatch(text):
        return text
    if re.fullmatch(r"\+?[0-9]*", text):
        raise OriginatorInvalid(
            f"a number must have 1 to {MOST_DIGITS} digits,"
            f" or + and 1 to {MOST_INTERNATIONAL_DIGITS}"
        )
    foreign = next((character for character in text if character not in _VISIBLE), None)
    if foreign is not None:
        raise OriginatorInvalid(f"{foreign!r} is not in the GSM 7-bit default alphabet")
    if len(text) > MOST_CHARACTERS or text != text.strip():
        raise OriginatorInvalid(
            f"must have 1 to {MOST_CHARACTERS} characters without blanks at its ends, or digits"
        )
    return text
