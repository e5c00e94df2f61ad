from decimal import Decimal

import pytest

from campaign_common.domain.content.price import Charge, Price

PRICE = Price(
    "EUR", Decimal("0.1"), {"49": Decimal("0.07"), "4915": Decimal("0.065"), "1": Decimal(0)}
)


@pytest.mark.parametrize(
    ("phone", "prefix", "amount"),
    [
        ("4917612345678", "49", "0.07"),
        ("4915112345678", "4915", "0.065"),
        ("13961467500", "1", "0"),
        ("33612345678", "", "0.1"),
        ("4", "", "0.1"),
    ],
)
def test_the_longest_prefix_decides(phone: str, prefix: str, amount: str) -> None:
    assert PRICE.rate_of(phone) == (prefix, Decimal(amount))


def test_a_message_costs_each_of_its_segments() -> None:
    assert PRICE.cost_of("4917612345678", 3) == Charge("EUR", 3, Decimal("0.21"))


def test_a_million_messages_cost_what_they_cost() -> None:
    """Amounts are decimals: nothing is rounded."""
    cost = Charge("EUR", 0, Decimal())
    for _ in range(1_000):
        cost = cost.plus(PRICE.cost_of("4917612345678", 1))
    assert cost == Charge("EUR", 1_000, Decimal("70.00"))
