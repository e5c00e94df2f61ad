"""Callbacks of a provider as a configuration describes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from campaign_common.errors import SettingsError
from campaign_common.settings import VerifyWay
from campaign_providers.callbacks.mappings.documents import (
    MappingDocument,
    mapped_presets,
    preset_mapping,
    read_mapping,
)
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks
from campaign_providers.callbacks.references import ReferenceSigner
from campaign_providers.callbacks.signatures.basic import BasicVerifier
from campaign_providers.callbacks.signatures.hmac_header import (
    HmacAlgorithm,
    HmacVerifier,
    MetaVerifier,
)
from campaign_providers.callbacks.signatures.plivo import PlivoVerifier
from campaign_providers.callbacks.signatures.reference import ReferenceVerifier
from campaign_providers.callbacks.signatures.telnyx import TOLERANCE, TelnyxVerifier
from campaign_providers.callbacks.signatures.tokens import MessageBirdVerifier, VonageVerifier
from campaign_providers.callbacks.signatures.twilio import TwilioVerifier
from campaign_providers.callbacks.signatures.verifier import Verifier


@dataclass(frozen=True, kw_only=True)
class CallbackConfiguration:
    """The callbacks of a provider; of the secrets those in force and, in a rotation, the next."""

    provider: str
    """The provider's name, for which references are made."""
    verify: VerifyWay
    reference_secrets: tuple[bytes, ...] = field(repr=False)
    """Secrets of our references; the first makes them."""
    from_campaigns: tuple[int, ...] = ()
    """The first campaign whose references each of them makes; none: all campaigns."""
    preset: str | None = None
    mapping: Mapping[str, object] | None = None
    """A mapping as YAML has it; its sections go in place of those of the preset."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Auth tokens, app secrets, signature secrets, or public keys in base64."""
    verify_tokens: tuple[str, ...] = field(default=(), repr=False)
    """Of meta: the tokens of the request that sets the webhook up."""
    users: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Of basic: users and passwords."""
    tolerance: float = TOLERANCE
    """Of telnyx: seconds between the signed time and ours."""
    header: str = ""
    """Of hmac: the header with the signature."""
    algorithm: HmacAlgorithm = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    """Of hmac: what stands in front of the signature, such as `sha256=`."""


class CallbacksUnusable(SettingsError):
    """The callbacks of a provider can not be made; `reason` has no secret.

    `key`: that of the provider's callbacks; None: the secrets of references.
    """

    def __init__(self, provider: str, key: str | None, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"callbacks of {provider}: {reason}")


class CallbackParts(NamedTuple):
    """The parts of a provider's callbacks."""

    mapping: MappingDocument
    verifier: Verifier
    references: ReferenceSigner


def callback_parts(configuration: CallbackConfiguration) -> CallbackParts:
    """Make the parts of the callbacks of a provider.

    Raises:
        CallbacksUnusable: a secret is missing or none, or the mapping is wrong.
    """
    provider = configuration.provider
    try:
        references = ReferenceSigner(
            provider, configuration.reference_secrets, configuration.from_campaigns
        )
    except ValueError as error:
        raise CallbacksUnusable(provider, None, str(error)) from error
    try:
        verifier = _VERIFIERS[configuration.verify](configuration, references)
    except ValueError as error:
        key = "Users" if configuration.verify is VerifyWay.BASIC else "Secrets"
        raise CallbacksUnusable(provider, key, str(error)) from error
    try:
        mapping = mapping_of(configuration.preset, configuration.mapping)
    except SettingsError as error:
        raise CallbacksUnusable(provider, "Mapping", str(error)) from error
    return CallbackParts(mapping, verifier, references)


def configured_callbacks(configuration: CallbackConfiguration) -> ProviderCallbacks:
    """Make the callbacks of a provider.

    Raises:
        SettingsError: as `callback_parts`, or verification and mapping do not fit.
    """
    return ProviderCallbacks(*callback_parts(configuration))


def mapping_of(preset: str | None, own: Mapping[str, object] | None) -> MappingDocument:
    """Return the mapping of a preset, with the sections of `own` in place of its own.

    Raises:
        SettingsError: there is neither, the preset has no mapping, or `own` is wrong.
    """
    if preset is not None and preset not in mapped_presets():
        raise SettingsError(f"expected one of {', '.join(mapped_presets())}")
    if own is None:
        if preset is None:
            raise SettingsError("expected a mapping: there is no preset that has one")
        return preset_mapping(preset)
    given = read_mapping(dict(own))
    if preset is None:
        return given
    below = preset_mapping(preset)
    return msgspec.structs.replace(
        below,
        receipts=given.receipts or below.receipts,
        inbound=given.inbound or below.inbound,
        same_webhook=given.same_webhook or below.same_webhook,
    )


def _hmac(given: CallbackConfiguration, _: ReferenceSigner) -> Verifier:
    if not given.header:
        raise ValueError("expected the header of the signature")
    return HmacVerifier(
        given.header,
        given.secrets,
        algorithm=given.algorithm,
        encoding=given.encoding,
        prefix=given.prefix,
    )


_VERIFIERS: dict[VerifyWay, Callable[[CallbackConfiguration, ReferenceSigner], Verifier]] = {
    VerifyWay.TWILIO: lambda given, _: TwilioVerifier(given.secrets),
    VerifyWay.META: lambda given, _: MetaVerifier(given.secrets, given.verify_tokens),
    VerifyWay.TELNYX: lambda given, _: TelnyxVerifier(given.secrets, tolerance=given.tolerance),
    VerifyWay.VONAGE: lambda given, _: VonageVerifier(given.secrets),
    VerifyWay.PLIVO: lambda given, _: PlivoVerifier(given.secrets),
    VerifyWay.MESSAGEBIRD: lambda given, _: MessageBirdVerifier(given.secrets),
    VerifyWay.HMAC: _hmac,
    VerifyWay.BASIC: lambda given, _: BasicVerifier(given.users),
    VerifyWay.REFERENCE: lambda _, references: ReferenceVerifier(references),
}
