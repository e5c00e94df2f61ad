"""Dialer: resolves a name, checks the address, connects to it, and verifies the peer by TLS."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from campaign_common.errors import SettingsError
from campaign_common.settings import HttpConnectionSettings
from campaign_providers.http.connections.addresses import AddressRules
from campaign_providers.http.requests.target import Target

RESOLVE_INTERVAL = 10.0
"""Seconds for which resolved addresses are cached."""

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)


class NotConnected(Exception):
    """No connection was made, so nothing was written; `code` is the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Dialer:
    """Dialer of one target, which connects within `connect_timeout` seconds.

    The checked address is the one that is connected to: there is no second resolution in between
    that a name server could answer differently. Connections rotate over the addresses of a name.
    """

    def __init__(self, settings: HttpConnectionSettings, target: Target) -> None:
        self._target = target
        self._rules = AddressRules(settings.allowed_networks)
        self._timeout = settings.connect_timeout
        self._tls = _tls_context(settings.ca_file) if target.tls else None
        self._resolving = asyncio.Lock()
        self._addresses: tuple[str, ...] = ()
        self._resolve_at = float("-inf")
        self._turn = 0

    async def dial(self, make_protocol: Callable[[], ProtocolT]) -> ProtocolT:
        """Return a connected protocol.

        Raises:
            NotConnected: no address is permitted, none responded in time, or none passed the
                TLS verification.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._connect(make_protocol)
        except TimeoutError:
            raise NotConnected("connect_timeout") from None

    async def _connect(self, make_protocol: Callable[[], ProtocolT]) -> ProtocolT:
        loop = asyncio.get_running_loop()
        failure = NotConnected("address_refused")
        addresses = [a for a in await self._resolve() if self._rules.permit(a)]
        self._turn += 1
        for n in range(len(addresses)):
            try:
                _, protocol = await loop.create_connection(
                    make_protocol,
                    addresses[(n + self._turn) % len(addresses)],
                    self._target.port,
                    ssl=self._tls,
                    server_hostname=self._target.host if self._tls else None,
                )
            except ssl.SSLError:
                failure = NotConnected("tls_failed")
            except ConnectionRefusedError:
                failure = NotConnected("connection_refused")
            except OSError:
                failure = NotConnected("connect_failed")
            else:
                return protocol
        raise failure

    async def _resolve(self) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        async with self._resolving:  # one query for all connections that are being made
            if loop.time() >= self._resolve_at:
                try:
                    found = await loop.getaddrinfo(
                        self._target.host, self._target.port, type=socket.SOCK_STREAM
                    )
                except OSError as error:
                    raise NotConnected("name_not_resolved") from error
                self._addresses = tuple(dict.fromkeys(str(info[4][0]) for info in found))
                self._resolve_at = loop.time() + RESOLVE_INTERVAL
        return self._addresses


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # which ssl.SSLError is too
        raise SettingsError(f"CaFile: {ca_file}: expected a PEM file ({error})") from error
    context.set_alpn_protocols(["http/1.1"])
    return context
