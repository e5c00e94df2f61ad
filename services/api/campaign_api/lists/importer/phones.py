"""Phone numbers of a file, normalised as they are stored."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from campaign_common.domain.phone_number import (
    NoPhoneNumber,
    normalise_phone,
    phone_fault,
    read_phone,
)

NOT_OF_REGION = "phone is no number of region {} and no international one"


class PhoneReader(NamedTuple):
    """Two functions of a value; `fault` is called only if there is no number."""

    digits: Callable[[str], str | None]
    """Returns the digits that are stored, country code first, or None where there is no number."""
    fault: Callable[[str], str]
    """Returns the reason why there is none."""


def phone_reader(default_region: str | None) -> PhoneReader:
    """Return the reader of numbers for a region; the grammar is the same for all of them.

    Without a region the digits count as they are. With one, ITU-T E.164 is made of national
    numbers and of international ones that begin with + or the region's own prefix.
    """
    if default_region is None:
        return PhoneReader(normalise_phone, phone_fault)
    return PhoneReader(partial(_to_e164, default_region), partial(_fault, default_region))


def _to_e164(region: str, text: str) -> str | None:
    try:
        written = read_phone(text)
        number = phonenumbers.parse(f"{'+' * written.is_international}{written.digits}", region)
    except (NoPhoneNumber, NumberParseException):
        return None
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    # Some short numbers that are dialled as they are in all of a country seem to lack an area code.
    if not possible and not phonenumbers.is_valid_number(number):
        return None
    return normalise_phone(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _fault(region: str, text: str) -> str:
    try:
        read_phone(text)
    except NoPhoneNumber as fault:
        return str(fault)
    return NOT_OF_REGION.format(region)
