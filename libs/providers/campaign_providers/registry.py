"""Registry of the kinds of providers: clients and checks of those that the configuration names."""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, assert_never

from campaign_common.settings import (
    HttpProviderSettings,
    HttpSettings,
    Settings,
    SimulatedSettings,
)
from campaign_providers.callbacks.message_references import references_of
from campaign_providers.check import ProviderCheck
from campaign_providers.contract import OnResults, PreSendCheck, Provider
from campaign_providers.http import HttpCheck, HttpProvider
from campaign_providers.http.requests.fixed_body import as_templates
from campaign_providers.simulated import SimulatedCheck, SimulatedProvider

MakeProvider = Callable[[PreSendCheck[Any], OnResults[Any]], Provider[Any]]
"""Makes the client of one provider, which starts to work at once."""


def configured_providers(settings: Settings) -> Mapping[str, MakeProvider]:
    """Return a factory for each configured provider, by its name.

    Raises:
        AssertionError: a kind has no client here.
    """
    key = _digest_key(settings)
    references = references_of(settings)
    factories: dict[str, MakeProvider] = {}
    for name, given in settings.configured_providers.items():
        match given:
            case HttpSettings():
                factories[name] = partial(HttpProvider, name, as_templates(given), digest_key=key)
            case HttpProviderSettings():
                factories[name] = partial(
                    HttpProvider, name, given, digest_key=key, references=references.get(name)
                )
            case SimulatedSettings():
                factories[name] = partial(SimulatedProvider, name, given)
            case _:
                assert_never(given)
    return factories


def provider_checks(settings: Settings) -> Mapping[str, ProviderCheck]:
    """Return a check of each configured provider, by its name.

    Raises:
        AssertionError: a kind has no check here.
    """
    key = _digest_key(settings)
    references = references_of(settings)
    checks: dict[str, ProviderCheck] = {}
    for name, given in settings.configured_providers.items():
        match given:
            case HttpSettings():
                checks[name] = HttpCheck(name, as_templates(given), key)
            case HttpProviderSettings():
                checks[name] = HttpCheck(name, given, key, references.get(name))
            case SimulatedSettings():
                checks[name] = SimulatedCheck(name, given)
            case _:
                assert_never(given)
    return checks


def _digest_key(settings: Settings) -> bytes:
    """Return a key that senders of one database share, and that is not in the database."""
    secret = f"{settings.mysql.dsn.password}\n{settings.mysql.dsn.database}"
    return blake2b(secret.encode(), digest_size=32, person=b"account-digest").digest()
