"""The HTTP provider on its way to a connection: what fails there was never sent."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from campaign_common.errors import SettingsError
from campaign_common.settings import HttpSettings
from campaign_providers.contract import SendStatus
from campaign_providers.http import HttpProvider
from campaign_providers.http.connections.dialer import RESOLVE_INTERVAL, Dialer, NotConnected
from campaign_providers.http.requests.fixed_body import as_templates
from campaign_providers.http.requests.target import Target
from campaign_sender.message import Message
from tests.integration.providers.certificates import certificate
from tests.integration.providers.scripted_server import Visitor, answer_all, scripted_server
from tests.integration.providers.submissions import LOOPBACK, always, answers, submitting_to
from tests.support.waiting import wait_until


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_refused_connection_proves_that_nothing_was_taken(free_port: int) -> None:
    with submitting_to(f"http://localhost:{free_port}/") as submissions:
        for result in submissions.run(1, 2, 3):
            assert (result.status, result.error_code) == (
                SendStatus.RETRYABLE,
                "connection_refused",
            )


def test_an_open_breaker_spares_the_rest_an_attempt(free_port: int) -> None:
    """The breaker opens when it has heard of two failures, before the third message fails."""

    def check(messages: Sequence[Message]) -> list[SendStatus | None]:
        return [SendStatus.CIRCUIT_OPEN if len(submissions.reported) >= 2 else None] * len(messages)

    with submitting_to(f"http://localhost:{free_port}/", check) as submissions:
        results = submissions.run(1, 2, 3, 4)
    assert answers(results) == [SendStatus.RETRYABLE] * 2 + [SendStatus.CIRCUIT_OPEN] * 2


def test_sends_continue_when_the_provider_is_back(free_port: int) -> None:
    with submitting_to(f"http://localhost:{free_port}/") as submissions:
        assert answers(submissions.run(1)) == [SendStatus.RETRYABLE]
        with socket.create_server(("127.0.0.1", free_port)) as listener:
            submissions.start(2)
            listener.settimeout(10)
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                assert answers(submissions.wait(1)) == [SendStatus.ACCEPTED]


def test_an_unknown_name_proves_that_nothing_was_taken() -> None:
    with submitting_to("http://nowhere.invalid/", connect_timeout=10.0) as submissions:
        (result,) = submissions.run(1)
    assert (result.status, result.error_code) == (SendStatus.RETRYABLE, "name_not_resolved")


def test_tls_is_spoken_with_a_server_that_proves_its_name(tmp_path: Path) -> None:
    context, authority = certificate(tmp_path, "localhost")
    with (
        scripted_server(answer_all, context) as server,
        submitting_to(server.url, ca_file=authority, connections=4) as submissions,
    ):
        results = submissions.run(*range(1, 101))
        assert set(answers(results)) == {SendStatus.ACCEPTED}
        assert len(server.commands) == 100


@pytest.mark.parametrize(("host", "trusted"), [("localhost", False), ("other.example", True)])
def test_nothing_is_sent_to_a_server_that_proves_nothing(
    tmp_path: Path, host: str, *, trusted: bool
) -> None:
    context, authority = certificate(tmp_path, host)
    with (
        scripted_server(answer_all, context) as server,
        submitting_to(server.url, ca_file=authority if trusted else None) as submissions,
    ):
        (result,) = submissions.run(1)
        assert (result.status, result.error_code) == (SendStatus.RETRYABLE, "tls_failed")
        assert server.commands == []


def test_a_silent_handshake_ends_after_the_connect_timeout() -> None:
    def say_nothing(visitor: Visitor) -> None:
        while not visitor.closed_by_client():
            pass

    with scripted_server(say_nothing) as server:
        url = server.url.replace("http:", "https:")
        with submitting_to(url, connect_timeout=0.3) as submissions:
            (result,) = submissions.run(1)
    assert (result.status, result.error_code) == (SendStatus.RETRYABLE, "connect_timeout")


def test_a_wrong_authority_file_is_named_at_the_start(tmp_path: Path) -> None:
    settings = HttpSettings(url="https://sms.example/", ca_file=tmp_path / "missing.pem")
    with pytest.raises(SettingsError, match=r"http: CaFile: .*missing\.pem"):
        HttpProvider("http", as_templates(settings), always, lambda _: None)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_target_is_not_even_connected_to(host: str) -> None:
    with scripted_server(answer_all) as server:
        url = server.url.replace("localhost", host)
        with submitting_to(url, allowed_networks=()) as submissions:
            (result,) = submissions.run(1)
        assert (result.status, result.error_code) == (SendStatus.RETRYABLE, "address_refused")
        assert server.connections == 0


def test_other_connections_carry_what_one_failed_to(free_port: int) -> None:
    """A provider that takes only so many connections fails no message."""
    listener = socket.create_server(("127.0.0.1", free_port))
    with listener, submitting_to(f"http://127.0.0.1:{free_port}/", connections=2) as submissions:
        submissions.start(1)
        connection, _ = listener.accept()
        listener.close()
        with connection:
            submissions.start(2, 3)
            for _ in range(3):
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            assert set(answers(submissions.wait(3))) == {SendStatus.ACCEPTED}


class TestRebinding:
    """A name server that changes its answer leads nobody to an address that was not checked."""

    @pytest.fixture
    def loop(self) -> Iterator[asyncio.AbstractEventLoop]:
        loop = asyncio.new_event_loop()
        yield loop
        loop.close()

    def test_each_address_is_checked_before_it_is_used(
        self, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = ["127.0.0.1"]
        asked = 0

        async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:  # noqa: ANN401
            nonlocal asked
            asked += 1
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found[0], 0))]

        now = 0.0
        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        with scripted_server(answer_all) as server:
            settings = HttpSettings(url=server.url, allowed_networks=LOOPBACK)
            target = Target(f"http://sms.example:{server.port}/")
            dialer = Dialer(settings, target)
            loop.run_until_complete(dialer.dial(asyncio.Protocol))
            wait_until(lambda: server.connections == 1)
            found[0] = "10.0.0.1"
            loop.run_until_complete(dialer.dial(asyncio.Protocol))
            assert asked == 1, "the address that was checked is used again"
            now = loop.time() + RESOLVE_INTERVAL
            monkeypatch.setattr(loop, "time", lambda: now)
            with pytest.raises(NotConnected, match="address_refused"):
                loop.run_until_complete(dialer.dial(asyncio.Protocol))
