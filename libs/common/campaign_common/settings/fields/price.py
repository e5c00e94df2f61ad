"""Field for the price of a provider."""

import re
from decimal import Decimal

from marshmallow import ValidationError

from campaign_common.domain.content.price import DECIMALS, Price, is_prefix
from campaign_common.settings.fields.plain import Scalar
from campaign_common.settings.fields.prefixes import NO_PREFIX, NOT_QUOTED, are_quoted

DEFAULT = "default"
LARGEST = Decimal(1_000_000)

_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(rf"[0-9]{{1,7}}(\.[0-9]{{1,{DECIMALS}}})?")


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
        if not are_quoted(given):
            raise ValidationError({"PerSegment": [NOT_QUOTED]})
        amounts = {prefix: _amount(prefix, value) for prefix, value in given.items()}
        if DEFAULT not in amounts:
            raise ValidationError({"PerSegment": ["expected an amount for default, too"]})
        return Price(currency, amounts.pop(DEFAULT), amounts)


def _amount(prefix: str, value: object) -> Decimal:
    if prefix != DEFAULT and not is_prefix(prefix):
        raise ValidationError({"PerSegment": {prefix: [f"{NO_PREFIX}, or default"]}})
    expected = f"expected an amount from 0 to {LARGEST:,} with at most {DECIMALS} decimals"
    wrong = ValidationError({"PerSegment": {prefix: [expected]}})
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong
    # YAML reads 0.07 as a float, whose shortest text is what the file says.
    text = value if isinstance(value, str) else format(Decimal(str(value)), "f")
    if not _AMOUNT.fullmatch(text) or Decimal(text) > LARGEST:
        raise wrong
    return Decimal(text)
