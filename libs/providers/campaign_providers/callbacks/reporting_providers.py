"""Providers that send receipts, by the configuration."""

from collections.abc import Iterator

from campaign_common.errors import SettingsError
from campaign_common.settings import HttpProviderSettings, Settings
from campaign_providers.callbacks.configured import mapping_of
from campaign_providers.callbacks.mappings.documents import ReceiptsDocument


def reporting_providers(settings: Settings) -> frozenset[str]:
    """Return the names of the providers whose receipts are read."""
    return frozenset(name for name, _ in _mapped(settings))


def providers_found_by_id(settings: Settings) -> frozenset[str]:
    """Return the names of the providers whose receipts carry no reference, but an id."""
    return frozenset(name for name, receipts in _mapped(settings) if receipts.reference is None)


def _mapped(settings: Settings) -> Iterator[tuple[str, ReceiptsDocument]]:
    for name, provider in settings.providers_with_callbacks.items():
        receipts = _receipts_of(provider)
        if receipts is not None:
            yield name, receipts


def _receipts_of(provider: HttpProviderSettings) -> ReceiptsDocument | None:
    callbacks = provider.callbacks
    if callbacks is None:
        return None
    try:
        return mapping_of(callbacks.preset or provider.preset, callbacks.mapping).receipts
    except SettingsError:  # the API, which reads callbacks, does not start with it
        return None
