"""Field for the price of a provider."""

import re
from decimal import Decimal, InvalidOperation

from marshmallow import ValidationError

from campaign_common.domain.content.price import DECIMALS, LONGEST_PREFIX, Price, is_prefix
from campaign_common.settings.fields.plain import Scalar

DEFAULT = "default"
LARGEST = Decimal(1_000_000)

_CURRENCY = re.compile(r"[A-Z]{3}")


class PriceField(Scalar[Price]):
    """A currency, and amounts per segment by prefix; `default` is for all other numbers."""

    def __init__(self) -> None:
        expected = "expected Currency, such as EUR, and PerSegment with an amount for default"
        super().__init__(expected, "price", null=True)

    def _deserialize(self, value: object, *_: object, **__: object) -> Price:
        if not isinstance(value, dict) or value.keys() != {"Currency", "PerSegment"}:
            raise self.make_error("invalid")
        currency, given = value["Currency"], value["PerSegment"]
        if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
            raise ValidationError({"Currency": ["expected three capital letters, such as EUR"]})
        if not isinstance(given, dict):
            raise self.make_error("invalid")
        amounts = {str(prefix): _amount(str(prefix), text) for prefix, text in given.items()}
        if DEFAULT not in amounts:
            raise ValidationError({"PerSegment": ["expected an amount for default, too"]})
        if len(amounts) < len(given):
            raise ValidationError({"PerSegment": ["expected each prefix once"]})
        return Price(currency, amounts.pop(DEFAULT), amounts)


def _amount(prefix: str, value: object) -> Decimal:
    if prefix != DEFAULT and not is_prefix(prefix):
        expected = f"expected a prefix of 1 to {LONGEST_PREFIX} digits, or default"
        raise ValidationError({"PerSegment": {prefix: [expected]}})
    expected = f"expected an amount from 0 to {LARGEST:,} with at most {DECIMALS} decimals"
    wrong = ValidationError({"PerSegment": {prefix: [expected]}})
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong
    try:
        # YAML reads 0.07 as a float, whose shortest text is what the file says.
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise wrong from error
    if not amount.is_finite() or not 0 <= amount <= LARGEST:
        raise wrong
    if amount != round(amount, DECIMALS):
        raise wrong
    return amount
