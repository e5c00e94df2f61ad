"""Numbers of people in forms and paths."""

from marshmallow import ValidationError

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.schemas.phone import PhoneText, digits_of
from campaign_api.schemas.suppression import PersonParameters


class PersonForm(PersonParameters):
    """The person who is looked for: a number, and its region where it has no country code."""

    phone = PhoneText(required=True)


def require_digits(text: str, default_region: str | None = None) -> str:
    """Return the digits of a number.

    Raises:
        RequestInvalid: it is none.
    """
    try:
        return digits_of(text, default_region)
    except ValidationError as error:
        raise RequestInvalid([InvalidField("phone", str(error.messages[0]))]) from None
