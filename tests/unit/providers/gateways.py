"""Providers and messages for the tests of requests and answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from campaign_common.settings import HttpProviderSettings
from campaign_common.settings.sections.providers.map import ProviderMap
from campaign_providers.http.requests.writer import RequestWriter

URL = "https://gateway.example/send"


@dataclass(frozen=True)
class Outbound:
    """A message as a provider sees it."""

    phone: str = "4915112345678"
    body: str = "hi"
    campaign_id: int = 7
    seq: int = 5
    idempotency_key: str = "7-5-0"
    originator: str | None = None
    template_name: str | None = None
    template_language: str | None = None
    parts: Sequence[str] = ()
    expires_in: float | None = None
    try_number: int = 1
    referenced: tuple[int, int, int, int, int] = (0, 7, 5, 0, 3)


class Request(NamedTuple):
    """A request as a server reads it."""

    method: str
    path: str
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - what JSON can hold
        return msgspec.json.decode(self.body)


def gateway(**keys: object) -> HttpProviderSettings:
    """Load the settings of a provider; raises what a wrong configuration raises."""
    loaded = ProviderMap().deserialize({"gateway": {"Kind": "http", "Url": URL, **keys}})
    assert loaded is not None
    settings = loaded["gateway"]
    assert isinstance(settings, HttpProviderSettings)
    return settings


def written(message: Outbound, secrets: dict[str, str] | None = None, **keys: object) -> Request:
    """Write the request of a message, and read it again."""
    return read(RequestWriter(gateway(**keys), secrets or {}).write(message))


def read(request: bytes) -> Request:
    """Split a request at what separates its parts, and nowhere else."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode("ascii").split("\r\n")
    method, path, version = line.split(" ")
    assert version == "HTTP/1.1"
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
    assert len(headers) == len(lines)
    assert int(headers.get("content-length", "0")) == len(body)
    return Request(method, path, headers, body)
