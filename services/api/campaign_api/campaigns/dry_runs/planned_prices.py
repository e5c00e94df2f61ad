"""Prices of the messages of a campaign before its start: those of the providers they begin with."""

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.price import Rate
from campaign_common.domain.message import idempotency_key
from campaign_common.domain.routing.routes import Routes
from campaign_common.settings import Settings


class PlannedPrices:
    """Prices by recipient; a route chooses by the keys that its messages will have."""

    def __init__(
        self, settings: Settings, routes: Routes, name: str, campaign_id: CampaignId
    ) -> None:
        """Take the name of a provider or of a route, and the routes that hold now."""
        configured = settings.configured_providers
        self._routes = routes
        self._name = name
        self._campaign_id = campaign_id
        found = {one: configured.get(one) for one in self._routes.chosen(name)}
        prices = {one: each.price for one, each in found.items() if each is not None}
        self._prices = {one: price for one, price in prices.items() if price is not None}
        currencies = {price.currency for price in self._prices.values()}
        has_all = len(self._prices) == len(found)
        self.currency = currencies.pop() if has_all and len(currencies) == 1 else None
        """Currency of all prices; None: a provider has none, or they are in several currencies."""

    def rate_of(self, seq: int, phone: str) -> Rate:
        """Return the rate of the message to a recipient; only where there is a currency."""
        key = idempotency_key(self._campaign_id, seq, 0)
        provider = self._routes.of(self._name, phone).first(key, lambda _: False)
        return self._prices[provider].rate_of(phone)
