"""Fit of a campaign and its provider, by the configuration."""

from decimal import Decimal

from campaign_common.domain.content.campaign_content import (
    PARTS,
    CampaignContent,
    CompiledContent,
    TemplateContent,
)
from campaign_common.planning.errors import PlanInvalid
from campaign_common.settings import Settings


def require_support(settings: Settings, name: str, wanted: CampaignContent) -> None:
    """Refuse a provider that is not configured, or does not take a content, or a route with one.

    Raises:
        PlanInvalid: names the providers and routes there are, or says what a provider takes.
    """
    configured = [*settings.configured_providers, *settings.route_settings]
    if name not in configured:
        raise PlanInvalid(
            "provider", f"{name} is not configured; there are {', '.join(configured)}"
        )
    for provider in sorted(settings.routes.providers(name)):
        _require_support(settings, provider, wanted)


def _require_support(settings: Settings, name: str, wanted: CampaignContent) -> None:
    support = settings.configured_providers[name].content_support
    if not support.kinds:
        raise PlanInvalid(
            "provider", f"{name} takes no content: its requests have no place for any"
        )
    content = wanted.content
    if content.kind not in support.kinds:
        taken = " and ".join(sorted(support.kinds))
        raise PlanInvalid("content", f"provider {name} takes content of kind {taken} only")
    parts = len(content.parts) if isinstance(content, TemplateContent) else 0
    if support.most_parts is not None and parts > support.most_parts:
        raise PlanInvalid(PARTS, f"provider {name} takes at most {support.most_parts} parts")
    if wanted.originator is not None and not support.originator:
        raise PlanInvalid("from", f"provider {name} has no place for an originator")


def require_length(settings: Settings, name: str, content: CompiledContent) -> None:
    """Refuse a text of which every message is longer than the provider takes.

    Raises:
        PlanInvalid: gives both lengths.
    """
    longest = longest_text(settings, name)
    least = 0 if content.text is None else content.text.least_length
    if longest is not None and least > longest:
        raise PlanInvalid(
            "template",
            f"every text has at least {least} characters; {name} takes at most {longest}",
        )


def currency_for(settings: Settings, name: str, budget: Decimal | None) -> str | None:
    """Return the currency of a campaign's budget: that of the price of its providers.

    Raises:
        PlanInvalid: a provider has no price, or those of a route have several currencies.
    """
    if budget is None:
        return None
    currencies: dict[str, str] = {}
    for provider in sorted(settings.routes.providers(name)):
        price = settings.configured_providers[provider].price
        if price is None:
            raise PlanInvalid(
                "budget", f"provider {provider} has no price, by which a budget could be kept"
            )
        currencies[provider] = price.currency
    if len(set(currencies.values())) > 1:
        named = ", ".join(f"{provider} {currency}" for provider, currency in currencies.items())
        raise PlanInvalid("budget", f"the providers of {name} have several currencies: {named}")
    return next(iter(currencies.values()))


def longest_text(settings: Settings, name: str) -> int | None:
    """Return how many characters a provider takes, or each of a route; None: there is no limit."""
    configured = settings.configured_providers
    limits = [
        configured[provider].content_support.longest
        for provider in settings.routes.providers(name)
        if provider in configured
    ]
    return min((limit for limit in limits if limit is not None), default=None)
