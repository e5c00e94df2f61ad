"""A webhook is connected to at the address that was checked, and proves the name that was given."""

import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from campaign_common.settings import WebhooksSettings
from campaign_common.settings.declaration import schema_of
from campaign_providers.http.checking.single_exchange import TimedResponse
from campaign_providers.webhooks.webhook_request import SignedEvent, post
from campaign_providers.webhooks.webhook_secrets import new_secret
from tests.integration.providers.certificates import certificate
from tests.integration.providers.scripted_server import ScriptedServer, answer_all, scripted_server

NAME = "hooks.example"
SECRET = new_secret()
EVENT = SignedEvent("evt_1", b'{"type":"list.imported"}')


class NameServer:
    """Resolver of the process that gives each name the next address of a list."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, addresses: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._addresses = iter(addresses)
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def _resolve(self, host: str, *_: Any, **__: Any) -> list[Any]:  # noqa: ANN401
        self.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(self._addresses), 0))]


def names_asked_for(tls: ssl.SSLContext) -> list[str | None]:
    """Return a list that is given the name in SNI of each handshake."""
    names: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    return names


def posted(server: ScriptedServer, scheme: str = "https", **keys: object) -> TimedResponse:
    settings: WebhooksSettings = schema_of(WebhooksSettings)().load(keys)
    return post(settings, f"{scheme}://{NAME}:{server.port}/events", [SECRET], EVENT)


def test_the_checked_address_must_prove_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that would answer differently the second time is not asked again."""
    tls, authority = certificate(tmp_path, NAME)
    names = names_asked_for(tls)
    with scripted_server(answer_all, tls) as server:
        resolver = NameServer(monkeypatch, ["127.0.0.1", "10.0.0.1"])
        answer = posted(server, AllowedNetworks=["127.0.0.1/32"], CaFile=str(authority))
        assert answer.response is not None, answer.failure
        assert answer.response.status == 202
        assert (names, resolver.asked) == ([NAME], [NAME])
        (request,) = server.commands
    assert f"Host: {NAME}:{server.port}" in request.head.split("\r\n")
    lines = [line.partition(": ") for line in request.head.split("\r\n")]
    Webhook(SECRET).verify(request.body, {name: text for name, _, text in lines})


@pytest.mark.parametrize(("proved", "trusted"), [(NAME, False), ("other.example", True)])
def test_nothing_is_posted_to_who_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proved: str, *, trusted: bool
) -> None:
    tls, authority = certificate(tmp_path, proved)
    ca_file = {"CaFile": str(authority)} if trusted else {}
    with scripted_server(answer_all, tls) as server:
        NameServer(monkeypatch, ["127.0.0.1"])
        answer = posted(server, AllowedNetworks=["127.0.0.1/32"], **ca_file)
        assert (answer.response, answer.failure) == (None, "tls_failed")
        assert server.commands == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_of_a_private_address_is_not_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with scripted_server(answer_all) as server:
        NameServer(monkeypatch, ["127.0.0.1"])
        answer = posted(server, scheme, AllowedNetworks=["127.0.0.2/32"])
        assert (answer.response, answer.failure) == (None, "address_refused")
        assert server.connections == 0
