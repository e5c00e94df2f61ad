"""Registry of the providers that the configuration names."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from campaign_common.settings import Settings
from campaign_providers.contract import OnResults, PreSendCheck, Provider
from campaign_providers.http import HttpProvider
from campaign_providers.simulated import SimulatedProvider

MakeProvider = Callable[[PreSendCheck[Any], OnResults[Any]], Provider[Any]]
"""Makes the client of one provider, which starts to work at once."""


def configured_providers(settings: Settings) -> Mapping[str, MakeProvider]:
    """Return a factory for each configured provider, by its name."""
    providers: dict[str, MakeProvider] = {
        SimulatedProvider.name: partial(SimulatedProvider, settings.simulated)
    }
    if settings.http.url is not None:
        providers[HttpProvider.name] = partial(HttpProvider, settings.http)
    return providers
