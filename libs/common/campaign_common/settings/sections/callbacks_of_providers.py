"""Rules between the callbacks of a configuration and those of its providers."""

from collections.abc import Iterator, Mapping

from campaign_common.domain.receipts.callback_url import LONGEST_REFERENCE, callback_url
from campaign_common.settings.declaration import Conflict, Section
from campaign_common.settings.fields.callbacks import VerifyWay
from campaign_common.settings.fields.templates import CALLBACK_URL
from campaign_common.settings.presets import preset_document
from campaign_common.settings.sections.callbacks import CallbacksSettings
from campaign_common.settings.sections.providers.callbacks import ProviderCallbackSettings
from campaign_common.settings.sections.providers.request import HttpProviderSettings
from campaign_common.settings.sections.providers.simulated import SimulatedSettings

REFERENCE = "reference"

_PROVIDER_CALLBACKS = Section(ProviderCallbackSettings, null=True)

Providers = Mapping[str, HttpProviderSettings | SimulatedSettings]


def callbacks_conflicts(callbacks: CallbacksSettings, providers: Providers) -> Iterator[Conflict]:
    """Yield what is wrong between the callbacks of the configuration and those of providers."""
    for name, provider in providers.items():
        if not isinstance(provider, HttpProviderSettings) or callbacks.base_url is None:
            continue
        if provider.idempotent_for > 0:
            yield from secrets_conflicts(callbacks, name)
        if provider.callbacks is not None:
            above = ("Providers", name)
            longest = len(callback_url(callbacks.base_url, name, "m" * LONGEST_REFERENCE))
            for path, expected in _conflicts(provider, provider.callbacks, longest):
                yield (*above, *path), expected


def unused_callbacks(callbacks: CallbacksSettings, providers: Providers) -> Iterator[str]:
    """Yield the names of providers with callbacks of their own that no `BaseUrl` makes use of."""
    for name, provider in providers.items():
        if callbacks.base_url is None and isinstance(provider, HttpProviderSettings):
            given = {} if provider.preset is None else preset_document(provider.preset)
            of_preset = _PROVIDER_CALLBACKS.deserialize(given.get("Callbacks"))
            if provider.callbacks not in (None, of_preset):
                yield name


def _conflicts(
    provider: HttpProviderSettings, callbacks: ProviderCallbackSettings, longest: int
) -> Iterator[Conflict]:
    for key, text in callbacks.texts:
        for placeholder in text.placeholders:
            if placeholder.secret not in provider.secrets:
                known = ", ".join(provider.secrets) or "none"
                message = (
                    f"{{{placeholder.name}}} is not among Secrets, which has {known}; expected it"
                    f" there for Verify {callbacks.verify}, or Callbacks: null for no callbacks"
                )
                yield ("Callbacks", key), message
    bound = callbacks.longest_url
    if provider.has_callback_url and bound is not None and longest > bound:
        message = (
            f"expected callback URLs of at most {bound} characters, and the longest one below"
            f" Callbacks.BaseUrl has {longest}"
        )
        yield ("Callbacks", "LongestUrl"), message
    is_by_url = provider.names(CALLBACK_URL) and not provider.names(REFERENCE)
    if callbacks.verify is VerifyWay.BASIC and is_by_url:
        message = "expected {reference} in the request: with basic it has no {callback_url}"
        yield ("Callbacks", "Verify"), message


def secrets_conflicts(callbacks: CallbacksSettings, name: str) -> Iterator[Conflict]:
    """Yield a secret without its campaigns: every try of a message to `name` has to be the same."""
    for place, secret in enumerate(callbacks.secrets[:-1]):
        if secret.from_campaign is None:
            message = (
                f"the key is missing; provider {name} is Idempotent, so that every try of a message"
                " needs the same reference, in its request and in a link to unsubscribe"
            )
            yield ("Callbacks", "Secrets", str(place), "FromCampaign"), message
