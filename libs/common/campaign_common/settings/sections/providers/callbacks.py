"""Callbacks of a provider: how they are verified, and how they are read."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from campaign_common.settings.declaration import Conflict, SectionList, key, section_class
from campaign_common.settings.fields.callbacks import (
    ConstantTexts,
    MappingTree,
    ReceiptCodes,
    VerifyWay,
)
from campaign_common.settings.fields.http import HeaderName
from campaign_common.settings.fields.plain import Ascii, Choice, Duration, Flag, Int, Member, String
from campaign_common.settings.fields.templates import Placeholder, TextTemplate
from campaign_common.settings.sections.providers.secrets import BasicSettings

WITHOUT_SECRETS = frozenset({VerifyWay.BASIC, VerifyWay.REFERENCE})


@section_class
class ProviderCallbackSettings:
    """The callbacks of the provider; `null`: it has none. They need `Callbacks.BaseUrl`."""

    verify: VerifyWay = key("Verify", Member(VerifyWay))
    """The proof that a callback is the provider's. See
    [what can be verified](../providers/callbacks.md#what-can-be-verified)."""
    secrets: tuple[TextTemplate, ...] = key("Secrets", ConstantTexts(), default=[])
    """The secrets of the proof, such as `["{secret.auth_token}"]`: auth tokens, secrets of
    signatures, or public keys in base64. Each of them counts."""
    verify_tokens: tuple[TextTemplate, ...] = key("VerifyTokens", ConstantTexts(), default=[])
    """Of `meta`: the tokens of the request that sets the webhook up."""
    users: tuple[BasicSettings, ...] = key(
        "Users", SectionList(BasicSettings, "list of sections with User and Password"), default=[]
    )
    """Of `basic`: users and passwords."""
    tolerance: float = key("Tolerance", Duration("1s", "1h"), default="5m")
    """Of `telnyx`: the time between the signed moment and ours, at most."""
    header: str | None = key("Header", HeaderName(null=True), default=None)
    """Of `hmac`: the header with the signature."""
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = key(
        "Algorithm", Choice("sha1", "sha256", "sha384", "sha512"), default="sha256"
    )
    """Of `hmac`: the hash."""
    encoding: Literal["hex", "base64"] = key("Encoding", Choice("hex", "base64"), default="hex")
    """Of `hmac`: the form of the signature."""
    prefix: str | None = key("Prefix", Ascii(longest=64, null=True), default=None)
    """Of `hmac`: what stands in front of the signature, such as `sha256=`."""
    preset: str | None = key("Preset", String(longest=32, null=True), default=None)
    """The preset whose mapping reads the callbacks; `null`: that of the provider."""
    mapping: Mapping[str, Any] | None = key("Mapping", MappingTree(), default=None)
    """A [mapping of one's own](../providers/callbacks.md#a-mapping-of-ones-own); its sections go in
    place of those of the preset."""
    longest_url: int | None = key("LongestUrl", Int(32, 2_048, null=True), default=None)
    """The longest callback URL that the gateway takes, in characters; `null`: no such limit."""
    answers_keywords: bool = key("AnswersKeywords", Flag(), default=False)
    """`true` where the gateway, or the carrier behind it, answers STOP, START and HELP itself:
    `Inbound.Answers` are not sent through the provider then."""

    receipt_timeout: float | None = key("ReceiptTimeout", Duration("1m", null=True), default="72h")
    """The time from the acceptance of a message after which it shows as `no_receipt`, if no final
    report has come; one that comes later replaces that. `null`: no such time. See
    [receipts](../guides/receipts.md#receipts-that-do-not-come)."""
    hard_bounces: tuple[str, ...] = key("HardBounces", ReceiptCodes(), default=[])
    """Codes of undelivered messages that say that a number does not exist, or takes no messages:
    `Suppressions.HardBounces` counts them."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what the proof misses."""
        if self.verify not in WITHOUT_SECRETS and not self.secrets:
            yield ("Secrets",), f"expected a secret, which Verify {self.verify} needs"
        if self.verify is VerifyWay.META and not self.verify_tokens:
            yield ("VerifyTokens",), "expected a token, which Verify meta needs"
        if self.verify is VerifyWay.BASIC and not self.users:
            yield ("Users",), "expected a user with a password, which Verify basic needs"
        if self.verify is VerifyWay.HMAC and self.header is None:
            yield ("Header",), "expected the header of the signature, which Verify hmac needs"

    @property
    def texts(self) -> Iterator[tuple[str, TextTemplate]]:
        """The texts that the proof needs, each with the name of its key."""
        match self.verify:
            case VerifyWay.REFERENCE:
                return
            case VerifyWay.BASIC:
                for user in self.users:
                    yield "Users", user.user
                    yield "Users", user.password
                return
            case VerifyWay.META:
                yield from (("VerifyTokens", text) for text in self.verify_tokens)
        yield from (("Secrets", text) for text in self.secrets)

    @property
    def placeholders(self) -> Iterator[Placeholder]:
        """The secrets that stand in these texts."""
        for _, text in self.texts:
            yield from text.placeholders
