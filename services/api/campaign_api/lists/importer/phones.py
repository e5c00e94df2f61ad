"""Phone numbers as a file writes them, and as they are stored."""

import re
from collections.abc import Callable
from functools import partial

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from campaign_common.recipient import PHONE_INVALID, normalise_phone

NOT_OF_REGION = "phone is no number of region {} and no international one"

PhoneReader = Callable[[str], str | None]
"""Returns the digits that are stored, country code first, or None where there is no number."""

# The library also reads letters, other scripts' digits and extensions; a list holds none.
_WRITTEN = re.compile(r"[+ ]*[0-9][0-9 \-./()]*|[+ ]*\([0-9][0-9 \-./()]*")


def phone_reader(default_region: str | None) -> tuple[PhoneReader, str]:
    """Choose how numbers are read, and what is said of one that cannot be.

    Without a region the digits count as they are. With one, ITU-T E.164 is made of national
    numbers and of international ones that begin with + or the region's own prefix.
    """
    if default_region is None:
        return normalise_phone, PHONE_INVALID
    return partial(_to_e164, default_region), NOT_OF_REGION.format(default_region)


def _to_e164(region: str, text: str) -> str | None:
    written = text.strip()
    if not _WRITTEN.fullmatch(written):
        return None
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return normalise_phone(phonenumbers.format_number(number, PhoneNumberFormat.E164))
