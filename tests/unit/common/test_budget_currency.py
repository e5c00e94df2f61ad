"""Currency of a campaign's budget, by the prices of its providers."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from campaign_common.domain.content.price import Price
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_common.planning.errors import PlanInvalid
from campaign_common.planning.provider_fit import currency_for

PRICES = {
    "euros": Price("EUR", Decimal("0.07"), {}),
    "more euros": Price("EUR", Decimal("0.05"), {}),
    "dollars": Price("USD", Decimal("0.08"), {}),
    "unpriced": None,
}
ROUTES = Routes(
    {
        "one": Route((("euros", 1), ("more euros", 1)), ()),
        "mixed": Route((("euros", 1),), ("dollars",)),
        "partly": Route((("euros", 1), ("unpriced", 1)), ()),
    }
)
SETTINGS: Any = SimpleNamespace(
    routes=ROUTES,
    configured_providers={name: SimpleNamespace(price=price) for name, price in PRICES.items()},
)


@pytest.mark.parametrize("name", ["euros", "one"])
def test_a_budget_is_in_the_one_currency_of_its_prices(name: str) -> None:
    assert currency_for(SETTINGS, name, Decimal(5)) == "EUR"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unpriced", "provider unpriced has no price, by which a budget could be kept"),
        ("partly", "provider unpriced has no price, by which a budget could be kept"),
        ("mixed", "the providers of mixed have several currencies: dollars USD, euros EUR"),
    ],
)
def test_without_one_currency_a_budget_is_refused(name: str, said: str) -> None:
    with pytest.raises(PlanInvalid) as refused:
        currency_for(SETTINGS, name, Decimal(5))
    assert (refused.value.field, refused.value.message) == ("budget", said)
    assert currency_for(SETTINGS, name, None) is None
