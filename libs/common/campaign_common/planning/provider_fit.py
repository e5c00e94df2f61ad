"""Fit of a campaign and its provider, by the configuration."""

from campaign_common.domain.template import Template
from campaign_common.planning.errors import PlanInvalid
from campaign_common.settings import HttpProviderSettings, Settings


def require_provider(settings: Settings, name: str) -> None:
    """Refuse a provider that is not configured, or that takes no text.

    Raises:
        PlanInvalid: names the providers there are, or says what is missing.
    """
    configured = settings.configured_providers
    if name not in configured:
        raise PlanInvalid(
            "provider", f"{name} is not configured; there are {', '.join(configured)}"
        )
    provider = configured[name]
    if isinstance(provider, HttpProviderSettings) and not provider.takes_text:
        raise PlanInvalid("provider", f"{name} takes no text: nothing in its requests is the body")


def require_length(settings: Settings, name: str, template: Template) -> None:
    """Refuse a template of which every message is longer than the provider takes.

    Raises:
        PlanInvalid: gives both lengths.
    """
    longest = longest_text(settings, name)
    if longest is not None and template.least_length > longest:
        raise PlanInvalid(
            "template",
            f"has at least {template.least_length} characters; {name} takes at most {longest}",
        )


def longest_text(settings: Settings, name: str) -> int | None:
    """Return how many characters a provider takes, None where there is no limit."""
    provider = settings.configured_providers.get(name)
    return provider.max_length if isinstance(provider, HttpProviderSettings) else None
