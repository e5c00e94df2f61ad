"""Fields for URLs, headers and networks."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from marshmallow import ValidationError

from campaign_common.settings.fields.plain import Value, split_items

Network = IPv4Network | IPv6Network

_URL_TEXT = re.compile(r"[\x21-\x7e]{1,2048}")
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # RFC 9110, section 5.6.2
_AWS_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_HEADER_TEXT = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,8190}[\x21-\x7e])?")


def split_url(field: Value[Any], value: object) -> tuple[str, SplitResult]:
    """Return an http or https URL as given, and its parts.

    Raises:
        ValidationError: the value is none; it says what `field` expects.
    """
    if not isinstance(value, str) or not _URL_TEXT.fullmatch(value):
        raise field.make_error("invalid")
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as error:
        raise field.make_error("invalid") from error
    if not usable:
        raise field.make_error("invalid")
    return value, parts


class HttpUrl(Value[str]):
    """An http or https URL, without user or fragment; its query may hold a secret."""

    secret = True
    no_more = "no user, which Authorization is for, and no #"
    refused_in_path = "#"

    def __init__(self, example: str = "https://sms.example.com/messages") -> None:
        expected = f"expected a URL such as {example}, in ASCII"
        super().__init__(expected, "http or https URL", null=True)

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        url, parts = split_url(self, value)
        if "@" in parts.netloc or set(self.refused_in_path).intersection(url):
            raise ValidationError(f"{self.expected}: {self.no_more}")
        return url


class CollectorUrl(HttpUrl):
    """The base URL of an OTLP/HTTP receiver; a path is added to it."""

    secret = False
    no_more = "no user, no ? and no #; headers come from OTEL_EXPORTER_OTLP_HEADERS"
    refused_in_path = "?#"


class OriginUrl(HttpUrl):
    """Scheme, host and port at which browsers reach a service; https, or http on this machine."""

    secret = False
    no_more = "no user, no path, no ? and no #"
    refused_in_path = "?#"

    def __init__(self) -> None:
        super().__init__("https://campaigns.example.com")

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        url = super()._deserialize(value)
        parts = urlsplit(url)
        if parts.path not in ("", "/"):
            raise ValidationError(f"{self.expected}: {self.no_more}")
        if parts.scheme != "https" and parts.hostname not in LOOPBACK_NAMES:
            raise ValidationError(f"{self.expected}: https, except for localhost")
        return f"{parts.scheme}://{parts.netloc.lower()}"


class IssuerUrl(HttpUrl):
    """The issuer of an OpenID provider: https, or http on this machine, without ? and #."""

    secret = False
    no_more = "no user, no ? and no #"
    refused_in_path = "?#"
    longest = 255

    def __init__(self) -> None:
        super().__init__("https://login.example.com")

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        url = super()._deserialize(value)
        if len(url) > self.longest:
            raise ValidationError(f"{self.expected}: {self.longest} characters at most")
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK_NAMES:
            raise ValidationError(f"{self.expected}: https, except for localhost")
        return url


class HeaderValue(Value[str]):
    """The value of a header; a line break in it would be a header of its own."""

    secret = True

    def __init__(self) -> None:
        expected = "expected one line of printable ASCII, such as Bearer and a token"
        super().__init__(expected, "text", null=True)

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str) or not _HEADER_TEXT.fullmatch(value):
            raise self.make_error("invalid")
        return value


class HeaderName(Value[str]):
    """The name of a header."""

    def __init__(self, *, null: bool = False) -> None:
        super().__init__("expected the name of a header", "name of a header", null=null)

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str) or not HEADER_NAME.fullmatch(value):
            raise self.make_error("invalid")
        return value


class AwsName(Value[str]):
    """The name of a service or of a region, which stands in a header."""

    def __init__(self) -> None:
        expected = "expected a name of letters, digits and hyphens, such as eu-central-1"
        super().__init__(expected, "text", null=True)

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str) or not _AWS_NAME.fullmatch(value):
            raise self.make_error("invalid")
        return value


class Networks(Value[tuple[Network, ...]]):
    """Networks in CIDR form or single addresses, as a list or as text with commas."""

    def __init__(self) -> None:
        expected = "expected a list of networks such as 10.1.0.0/16 or fd00::/8"
        super().__init__(expected, "list of networks")

    def _deserialize(self, value: object, *_: object, **__: object) -> tuple[Network, ...]:
        items = split_items(value) if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise self.make_error("invalid")
        try:
            return tuple(ip_network(item.strip()) for item in items)
        except ValueError as error:
            raise ValidationError(f"{self.expected}: {error}") from error
