"""Marshmallow fields of the Http section, and of the other one that has a URL."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

from campaign_common.settings.model import DEFAULT_ANSWERS, AnswerWord

Network = IPv4Network | IPv6Network

_URL_TEXT = re.compile(r"[\x21-\x7e]{1,2048}")
_HEADER_TEXT = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,8190}[\x21-\x7e])?")
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|xx)")


class _Said(fields.Field[Any]):
    """A field that says `expected` whatever is wrong with its value."""

    expected: str

    def __init__(self, key: str, *, optional: bool = False) -> None:
        """Take null for "none" where the key is `optional`."""
        messages = {"invalid": self.expected, "null": self.expected}
        super().__init__(
            data_key=key,
            allow_none=optional,
            error_messages=messages,  # type: ignore[arg-type]
        )


class HttpUrl(_Said):
    """An http or https URL, without user or fragment."""

    expected = "expected a URL such as https://sms.example.com/messages, in ASCII"
    no_more = "no user, which Authorization is for, and no #"
    refused_in_path = "#"

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str) or not _URL_TEXT.fullmatch(value):
            raise self.make_error("invalid")
        try:
            parts = urlsplit(value)
            usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError as error:
            raise self.make_error("invalid") from error
        if not usable:
            raise self.make_error("invalid")
        if "@" in parts.netloc or set(self.refused_in_path).intersection(value):
            raise ValidationError(f"{self.expected}: {self.no_more}")
        return value


class CollectorUrl(HttpUrl):
    """The base URL of an OTLP/HTTP receiver; a path is added to it."""

    expected = "expected a URL such as http://collector:4318, in ASCII"
    no_more = "no user, no ? and no #; headers come from OTEL_EXPORTER_OTLP_HEADERS"
    refused_in_path = "?#"


class HeaderValue(_Said):
    """The value of a header; a line break in it would be a header of its own."""

    expected = "expected one line of printable ASCII, such as Bearer and a token"

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str) or not _HEADER_TEXT.fullmatch(value):
            raise self.make_error("invalid")
        return value


class PemFile(_Said):
    """A file of certificates; whether it can be read is for whoever connects."""

    expected = "expected the path of a PEM file"

    def _deserialize(self, value: object, *_: object, **__: object) -> Path:
        if not isinstance(value, str) or not value or "\0" in value:
            raise self.make_error("invalid")
        return Path(value).expanduser()


class Networks(_Said):
    """Networks in CIDR form or single addresses, as a list or, in the environment, with commas."""

    expected = "expected a list of networks such as 10.1.0.0/16 or fd00::/8"

    def _deserialize(self, value: object, *_: object, **__: object) -> tuple[Network, ...]:
        items = _items(value) if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise self.make_error("invalid")
        try:
            return tuple(ip_network(item.strip()) for item in items)
        except ValueError as error:
            raise ValidationError(f"{self.expected}: {error}") from error


class Answers(_Said):
    """What status codes mean, laid over the defaults; a single code goes before its class.

    A mapping, or, in the environment, text such as `429: throttled, 5xx: retryable`.
    """

    expected = "expected a mapping of status codes, such as 429 or 5xx, to what they mean"

    def _deserialize(self, value: object, *_: object, **__: object) -> Mapping[str, AnswerWord]:
        pairs = _pairs(value) if isinstance(value, str) else value
        if not isinstance(pairs, dict):
            raise self.make_error("invalid")
        given = {str(code).lower(): word for code, word in pairs.items()}
        for code, word in given.items():
            if not _STATUS.fullmatch(code):
                raise ValidationError({code: ["expected a status code such as 429 or 5xx"]})
            if word not in list(AnswerWord):
                raise ValidationError({code: [f"expected one of {', '.join(AnswerWord)}"]})
        known = {code: AnswerWord(word) for code, word in given.items()}
        return MappingProxyType({**DEFAULT_ANSWERS, **known})


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _pairs(text: str) -> dict[str, str]:
    pairs = (item.partition(":") for item in _items(text))
    return {code.strip(): word.strip() for code, _, word in pairs}
