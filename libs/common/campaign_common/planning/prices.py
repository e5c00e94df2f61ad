"""The price of each provider."""

from campaign_common.domain.price import Price
from campaign_common.settings import Settings


def price_of(settings: Settings, provider: str) -> Price | None:
    """Return the price of a provider, None where it has none or is not configured."""
    configured = settings.configured_providers.get(provider)
    return None if configured is None else configured.price
