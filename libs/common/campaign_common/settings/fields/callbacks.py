"""Fields for callbacks: the proofs that they carry, their secrets and their mapping."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError

from campaign_common.settings.fields.http import HttpUrl
from campaign_common.settings.fields.plain import Ascii, Scalar
from campaign_common.settings.fields.templates import ConstantText, TextTemplate

LONGEST_CODE = 32
"""Characters; receipts_N.code holds as many."""


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


class BaseUrl(HttpUrl):
    """The public URL below which the API is reached; a path is added to it."""

    secret = False
    no_more = "no user, no ?, no # and no %, which some gateways replace"
    refused_in_path = "?#%"

    def __init__(self) -> None:
        super().__init__("https://campaigns.example.com")

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        return super()._deserialize(value).rstrip("/")


class ConstantTexts(Scalar[tuple[TextTemplate, ...]]):
    """A list of texts whose placeholders are all secrets."""

    secret = True

    def __init__(self) -> None:
        super().__init__("expected a list of texts such as {secret.NAME}", "list of texts")

    def _deserialize(self, value: object, *_: object, **__: object) -> tuple[TextTemplate, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self.make_error("invalid")
        texts = (ConstantText().deserialize(each) for each in value)
        return tuple(text for text in texts if text is not None)


class MappingTree(Scalar[Mapping[str, Any]]):
    """A mapping of callbacks as YAML has it; it is read where callbacks are."""

    def __init__(self) -> None:
        super().__init__("expected a mapping with Receipts or Inbound", "mapping", null=True)

    def _deserialize(self, value: object, *_: object, **__: object) -> Mapping[str, Any]:
        if not isinstance(value, dict) or not value:
            raise self.make_error("invalid")
        if not all(isinstance(name, str) for name in value):
            raise ValidationError("expected text as names")
        return MappingProxyType(value)


class ReceiptCodes(Scalar[tuple[str, ...]]):
    """A list of codes in receipts; numbers are text."""

    def __init__(self) -> None:
        expected = f"expected a list of codes of 1 to {LONGEST_CODE} characters of printable ASCII"
        super().__init__(expected, "list of codes")
        self._code = Ascii(longest=LONGEST_CODE)

    def _deserialize(self, value: object, *_: object, **__: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        try:
            codes = (self._code.deserialize(each) for each in value)
            return tuple(code for code in codes if code is not None)
        except ValidationError as error:
            raise self.make_error("invalid") from error
