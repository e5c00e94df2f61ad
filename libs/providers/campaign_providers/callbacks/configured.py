"""Callbacks of a provider as a configuration describes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import msgspec

from campaign_common.errors import SettingsError
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


class VerifyWay(StrEnum):
    """The proof that the callbacks of a provider carry; there is none for no proof."""

    TWILIO = "twilio"
    META = "meta"
    TELNYX = "telnyx"
    VONAGE = "vonage"
    PLIVO = "plivo"
    MESSAGEBIRD = "messagebird"
    HMAC = "hmac"
    BASIC = "basic"
    REFERENCE = "reference"


@dataclass(frozen=True, kw_only=True)
class CallbackConfiguration:
    """The callbacks of a provider; of the secrets those in force and, in a rotation, the next."""

    provider: str
    """The provider's name, for which references are made."""
    verify: VerifyWay
    reference_secrets: tuple[bytes, ...] = field(repr=False)
    """Secrets of our references; the first makes them."""
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


def configured_callbacks(configuration: CallbackConfiguration) -> ProviderCallbacks:
    """Make the callbacks of a provider.

    Raises:
        SettingsError: a secret is missing or none, or the mapping is wrong; the text has no secret.
    """
    try:
        references = ReferenceSigner(configuration.provider, configuration.reference_secrets)
        verifier = _VERIFIERS[configuration.verify](configuration, references)
    except ValueError as error:
        raise SettingsError(f"callbacks of {configuration.provider}: {error}") from error
    return ProviderCallbacks(_mapping(configuration), verifier, references)


def _mapping(configuration: CallbackConfiguration) -> MappingDocument:
    name, own = configuration.preset, configuration.mapping
    if name is not None and name not in mapped_presets():
        known = ", ".join(mapped_presets())
        raise SettingsError(f"callbacks of {configuration.provider}: expected one of {known}")
    if own is None:
        if name is None:
            raise SettingsError(f"callbacks of {configuration.provider}: no preset, no mapping")
        return preset_mapping(name)
    given = read_mapping(dict(own))
    if name is None:
        return given
    preset = preset_mapping(name)
    return msgspec.structs.replace(
        preset,
        receipts=given.receipts or preset.receipts,
        inbound=given.inbound or preset.inbound,
        same_webhook=given.same_webhook or preset.same_webhook,
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
