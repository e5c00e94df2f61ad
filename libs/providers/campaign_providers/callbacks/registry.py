"""Registry of the callbacks that a configuration describes."""

from collections.abc import Mapping
from functools import partial

from campaign_common.domain.receipts.callback_url import inbound_url
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.errors import SettingsError
from campaign_common.settings import (
    HttpProviderSettings,
    ProviderCallbackSettings,
    Settings,
    VerifyWay,
)
from campaign_common.settings.fields.templates import TextTemplate
from campaign_providers.callbacks.configured import (
    CallbackConfiguration,
    CallbackParts,
    CallbacksUnusable,
    callback_parts,
    mapping_of,
)
from campaign_providers.callbacks.current_callbacks import CurrentCallbacks
from campaign_providers.callbacks.mappings.documents import mapped_presets
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks
from campaign_providers.callbacks.reference_secrets import ReferenceSecrets
from campaign_providers.secret_files import SecretFiles, SecretUnreadable


def callbacks_of(settings: Settings) -> Mapping[str, ProviderCallbacks]:
    """Return the callbacks of each provider that has some, by its name.

    Their secrets are read here, and again when their files change. Without `Callbacks.BaseUrl`
    there are none.

    Raises:
        SettingsError: a mapping is wrong, or a secret can not be read or used; the text names file
            and key.
    """
    secrets = ReferenceSecrets(settings.callbacks)
    return {
        name: _callbacks(settings, name, provider, provider.callbacks, secrets)
        for name, provider in settings.providers_with_callbacks.items()
        if provider.callbacks is not None
    }


def inbound_urls_of(settings: Settings) -> Mapping[str, str]:
    """Return the URL for inbound messages of each provider that can report some, by its name.

    One that nothing else proves has a reference in it, and is a secret.

    Raises:
        SettingsError: a mapping is wrong, or a secret of references can not be read or used.
    """
    base_url, secrets = settings.callbacks.base_url or "", ReferenceSecrets(settings.callbacks)
    urls = {}
    for name, provider in settings.providers_with_callbacks.items():
        callbacks = provider.callbacks
        if callbacks is None:
            continue
        _require_mapping(settings, name, provider, callbacks)
        if mapping_of(callbacks.preset or provider.preset, callbacks.mapping).inbound is None:
            continue
        reference = None
        if callbacks.verify is VerifyWay.REFERENCE:
            reference = _inbound_reference(settings, name, secrets)
        urls[name] = inbound_url(base_url, name, reference)
    return urls


def _inbound_reference(settings: Settings, name: str, secrets: ReferenceSecrets) -> str:
    try:
        read = SecretFiles(secrets.settings).read()
        return secrets.signer(name, read).make(ReferencePurpose.INBOUND)
    except (SecretUnreadable, ValueError) as error:
        raise _refusal(settings, "Callbacks.Secrets", str(error)) from error


def _callbacks(
    settings: Settings,
    name: str,
    provider: HttpProviderSettings,
    callbacks: ProviderCallbackSettings,
    references: ReferenceSecrets,
) -> ProviderCallbacks:
    _require_mapping(settings, name, provider, callbacks)
    own = {each.secret for each in callbacks.placeholders}
    files = {key: secret for key, secret in provider.secrets.items() if key in own}
    preset = callbacks.preset or provider.preset
    make = partial(_parts, name, callbacks, preset, references)
    try:
        return CurrentCallbacks(name, SecretFiles({**files, **references.settings}), make)
    except CallbacksUnusable as error:
        if error.key is None:
            raise _refusal(settings, "Callbacks.Secrets", error.reason) from error
        raise _wrong(settings, name, f".{error.key}", error.reason) from error
    except SettingsError as error:
        raise _wrong(settings, name, ".Mapping", str(error)) from error
    except SecretUnreadable as error:
        raise _wrong(settings, name, "", str(error)) from error


def _require_mapping(
    settings: Settings,
    name: str,
    provider: HttpProviderSettings,
    callbacks: ProviderCallbackSettings,
) -> None:
    """Require that the callbacks of a provider can be read, and are proved by what is sent."""
    preset = callbacks.preset or provider.preset
    try:
        mapping = mapping_of(preset, callbacks.mapping)
    except SettingsError as error:
        is_known = callbacks.preset is None or callbacks.preset in mapped_presets()
        if is_known:
            raise _wrong(settings, name, ".Mapping", str(error)) from error
        raise _wrong(settings, name, ".Preset", f"{callbacks.preset!r}: {error}") from error
    is_reference = callbacks.verify is VerifyWay.REFERENCE
    if is_reference and mapping.receipts is not None and not provider.has_callback_url:
        message = (
            "'reference': expected {callback_url} in the request: nothing else proves receipts"
        )
        raise _wrong(settings, name, ".Verify", message)


def _parts(
    name: str,
    callbacks: ProviderCallbackSettings,
    preset: str | None,
    references: ReferenceSecrets,
    secrets: Mapping[str, str],
) -> CallbackParts:
    """Make the parts of a provider's callbacks with the secrets as they were read."""

    def text(given: TextTemplate) -> str:
        return "".join(
            piece if isinstance(piece, str) else secrets[piece.secret or ""]
            for piece in given.pieces
        )

    def texts(key: str) -> tuple[str, ...]:
        return tuple(text(given) for of, given in callbacks.texts if of == key)

    users = callbacks.users if callbacks.verify is VerifyWay.BASIC else ()
    return callback_parts(
        CallbackConfiguration(
            provider=name,
            verify=callbacks.verify,
            reference_secrets=references.values(secrets),
            from_campaigns=references.from_campaigns,
            preset=preset,
            mapping=callbacks.mapping,
            secrets=texts("Secrets"),
            verify_tokens=texts("VerifyTokens"),
            users=tuple((text(user.user), text(user.password)) for user in users),
            tolerance=callbacks.tolerance,
            header=callbacks.header or "",
            algorithm=callbacks.algorithm,
            encoding=callbacks.encoding,
            prefix=callbacks.prefix or "",
        )
    )


def _wrong(settings: Settings, name: str, key: str, message: str) -> SettingsError:
    return _refusal(settings, f"Providers.{name}.Callbacks{key}", message)


def _refusal(settings: Settings, key: str, message: str) -> SettingsError:
    source = settings.sources[0] if settings.sources else "environment"
    return SettingsError(f"{source}: {key}: {message}")
