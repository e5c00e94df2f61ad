"""Costs of the messages of a preview, by the prices of the provider that they would begin with."""

from typing import Any

from campaign_api.campaigns.dry_runs.planned_prices import PlannedPrices
from campaign_common.database import Database
from campaign_common.settings import Settings
from campaign_common.store.campaigns.plans import free_id
from campaign_common.store.limits.live_weights import follow_live_weights


def price_messages(
    database: Database, settings: Settings, provider: str, messages: list[dict[str, Any]]
) -> None:
    """Add `amount` and `currency` to messages of `preview_draft`; None: there is no price.

    A route chooses among its providers by the id of the campaign. It is not known yet, so that
    the price of a message may be that of another provider of the route.

    Raises:
        RetryLater: the database is unavailable.
    """
    routes = settings.routes
    is_known = provider in settings.configured_providers or provider in settings.route_settings
    with database.reading() as cursor:
        follow_live_weights(cursor, routes)
        campaign_id = free_id(cursor)
    prices = PlannedPrices(settings, routes, provider, campaign_id) if is_known else None
    for message in messages:
        message["amount"] = message["currency"] = None
        if prices is not None and prices.currency is not None:
            rate = prices.rate_of(message["seq"], message["phone"])
            message["amount"] = rate.amount * message["segments"]
            message["currency"] = prices.currency
