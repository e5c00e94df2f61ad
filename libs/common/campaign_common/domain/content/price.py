"""Prices of messages, by the segment and by the recipient's number; amounts are decimals."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

DECIMALS = 6
"""Decimals of a price at most, as the database holds amounts."""

LONGEST_PREFIX = 15

_DIGITS = re.compile(rf"[1-9][0-9]{{0,{LONGEST_PREFIX - 1}}}")


def is_prefix(text: str) -> bool:
    """Return whether `text` can be the beginning of a number: digits, the first of them not 0."""
    return _DIGITS.fullmatch(text) is not None


class Rate(NamedTuple):
    """The price of a segment to numbers of a prefix; the empty prefix is that of all others."""

    prefix: str
    amount: Decimal


class Charge(NamedTuple):
    """The cost of messages, and the number of their segments."""

    currency: str
    segments: int
    amount: Decimal

    def plus(self, other: "Charge") -> "Charge":
        """Return the cost of both; they have the same currency."""
        return Charge(self.currency, self.segments + other.segments, self.amount + other.amount)


class Price:
    """The price of a provider: the longest prefix that a number has decides."""

    def __init__(self, currency: str, default: Decimal, by_prefix: Mapping[str, Decimal]) -> None:
        """Take amounts of `currency` (ISO 4217) for a segment."""
        self.currency = currency
        self._rates = {
            prefix: Rate(prefix, amount) for prefix, amount in {**by_prefix, "": default}.items()
        }
        self._lengths = sorted({len(prefix) for prefix in self._rates}, reverse=True)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Price)
            and self.currency == other.currency
            and self._rates == other._rates
        )

    def __hash__(self) -> int:
        return hash((self.currency, frozenset(self._rates.items())))

    def __repr__(self) -> str:
        rates = ", ".join(f"{prefix or 'default'}: {rate.amount}" for prefix, rate in self.rates)
        return f"Price({self.currency}, {rates})"

    @property
    def rates(self) -> list[tuple[str, Rate]]:
        """The rates by prefix, in the order of the prefixes."""
        return sorted(self._rates.items())

    def cost_of(self, phone: str, segments: int) -> Charge:
        """Return the cost of a message."""
        return Charge(self.currency, segments, segments * self.rate_of(phone).amount)

    def rate_of(self, phone: str) -> Rate:
        """Return the rate of a number."""
        for length in self._lengths:
            rate = self._rates.get(phone[:length])
            if rate is not None:
                return rate
        raise AssertionError("the empty prefix is one of them")
