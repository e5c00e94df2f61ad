"""The price of each provider."""

from campaign_common.domain.price import Price
from campaign_common.settings import Settings


def price_of(settings: Settings, provider: str) -> Price | None:
    """Return the price of a provider, None where it has none."""
    prices = {"http": settings.http.price, "simulated": settings.simulated.price}
    return prices.get(provider)
