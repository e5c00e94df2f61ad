"""Values that placeholders stand for."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter

import phonenumbers

from campaign_common.domain.sms_segments import Encoding, segmentation
from campaign_common.settings import HttpRequestSettings
from campaign_common.settings.fields.templates import Placeholder
from campaign_providers.contract import MessageReferences, OutboundMessage

MessageValue = str | int | None
"""The value of a placeholder; None: the message has none."""

GetValue = Callable[[OutboundMessage], MessageValue]


class Unsendable(Exception):
    """The message can not be said in this provider's form; `code` says why, in 32 characters."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Values:
    """Functions that return the values of placeholders."""

    def __init__(
        self,
        settings: HttpRequestSettings,
        secrets: Mapping[str, str],
        references: MessageReferences | None = None,
    ) -> None:
        """Take the value of each secret by its name.

        Without `references` the idempotency key stands for the reference of a message.
        """
        self._settings = settings
        self._secrets = secrets
        ucs2_as = settings.encoding.ucs2_as
        body = _BODIES[ucs2_as]
        hex_ucs2 = _hex_of_ucs2 if ucs2_as == "separate" else _hex
        if settings.names("template.name"):
            body, hex_ucs2 = partial(_of_text, get=body), partial(_of_text, get=hex_ucs2)
        self._configured: Mapping[str, GetValue] = {
            "from": partial(_originator, default=settings.from_),
            "coding": partial(_coding, codings=vars(settings.coding)),
            "body": body,
            "hex_ucs2": hex_ucs2,
        }
        if references is not None:
            self._configured = {**self._configured, "reference": references.of}

    def is_optional(self, placeholder: Placeholder) -> bool:
        """Return whether some messages have no value for a placeholder."""
        return self._settings.is_optional(placeholder)

    def constant(self, placeholder: Placeholder) -> str | None:
        """Return the value of a placeholder that is the same for all messages, else None."""
        if placeholder.secret is not None:
            return self._secrets[placeholder.secret]
        return None

    def function(self, placeholder: Placeholder) -> GetValue:
        """Return the function that takes the value from a message."""
        if placeholder.part is not None:
            return partial(_part, number=placeholder.part)
        return self._configured.get(placeholder.name) or _FUNCTIONS[placeholder.name]


def is_ucs2(text: str) -> bool:
    """Return whether SMS carries a text as UCS-2."""
    # The alphabet has all printable ASCII but the grave accent: nearly all texts end here.
    if text.isascii() and text.isprintable() and "`" not in text:
        return False
    return segmentation(text).encoding is Encoding.UCS2


def _hex(message: OutboundMessage) -> MessageValue:
    return message.body.encode("utf-16-be").hex().upper()


def _hex_of_ucs2(message: OutboundMessage) -> MessageValue:
    return _hex(message) if is_ucs2(message.body) else None


def _body_in_hex(message: OutboundMessage) -> MessageValue:
    return _hex(message) if is_ucs2(message.body) else message.body


def _body_unless_ucs2(message: OutboundMessage) -> MessageValue:
    return None if is_ucs2(message.body) else message.body


def _of_text(message: OutboundMessage, get: GetValue) -> MessageValue:
    return get(message) if message.template_name is None else None


def _segments(message: OutboundMessage) -> MessageValue:
    return segmentation(message.body).segments


def _coding(message: OutboundMessage, codings: Mapping[str, str]) -> MessageValue:
    return codings["ucs2" if is_ucs2(message.body) else "gsm7"]


def _originator(message: OutboundMessage, default: str | None) -> MessageValue:
    return message.originator or default


def _part(message: OutboundMessage, number: int) -> MessageValue:
    parts = message.parts
    return parts[number] if number < len(parts) else None


def _expires_in(message: OutboundMessage) -> MessageValue:
    seconds = message.expires_in
    return None if seconds is None else max(1, int(seconds))


def _now(_: OutboundMessage) -> MessageValue:
    return datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _now_in_seconds(_: OutboundMessage) -> MessageValue:
    return int(time.time())


def _now_in_milliseconds(_: OutboundMessage) -> MessageValue:
    return time.time_ns() // 1_000_000


def _with_plus(message: OutboundMessage) -> MessageValue:
    return f"+{message.phone}"


def _national(message: OutboundMessage) -> MessageValue:
    try:
        number = phonenumbers.parse(f"+{message.phone}")
    except phonenumbers.NumberParseException as error:
        raise Unsendable("no_national_number") from error
    return phonenumbers.national_significant_number(number)


_BODY: GetValue = attrgetter("body")
_PHONE: GetValue = attrgetter("phone")
_KEY: GetValue = attrgetter("idempotency_key")
_CAMPAIGN_ID: GetValue = attrgetter("campaign_id")
_SEQ: GetValue = attrgetter("seq")

ATTRIBUTES: Mapping[GetValue, str] = {
    _BODY: "body",
    _PHONE: "phone",
    _KEY: "idempotency_key",
    _CAMPAIGN_ID: "campaign_id",
    _SEQ: "seq",
}
"""Names of the attributes that functions of values return."""

_BODIES: Mapping[str, GetValue] = {
    "text": _BODY,
    "hex": _body_in_hex,
    "separate": _body_unless_ucs2,
}

_FUNCTIONS: Mapping[str, GetValue] = {
    "phone": _PHONE,
    "phone.plus": _with_plus,
    "phone.national": _national,
    "key": _KEY,
    "reference": _KEY,
    "campaign_id": _CAMPAIGN_ID,
    "seq": _SEQ,
    "segments": _segments,
    "expires_in": _expires_in,
    "now": _now,
    "now.unix": _now_in_seconds,
    "now.unix_ms": _now_in_milliseconds,
    "template.name": attrgetter("template_name"),
    "template.language": attrgetter("template_language"),
}
