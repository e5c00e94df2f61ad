"""The number of clients that a process may hold connections of, and files for them."""

import resource
from typing import NamedTuple, Self

MOST_CONNECTIONS = 1_000
"""Of clients, that a worker holds at a time; an idle one takes 12 kB, one with a request 40 kB."""

MOST_AT_CALLBACK_PORT = 500
"""The same at CallbackPort, beside those."""

MOST_CALLBACKS = 500
"""Callbacks that a worker answers at a time, beside those, of all providers together."""

LEAST_CALLBACKS, MOST_OF_PROVIDER = 16, 250
"""Bounds of the share that each provider has of them."""

OTHER_FILES = 256
"""Files that a worker needs beside those: connections of its database, imports, its own."""


class ConnectionBounds(NamedTuple):
    """Connections that a process may hold at a time."""

    clients: int
    callback_port: int = 0
    """At CallbackPort, between two callbacks."""
    provider: int = 0
    """Callbacks of one provider, at either port."""
    providers: int = 0

    @property
    def total(self) -> int:
        """All of them together."""
        return self.clients + self.callback_port + self.provider * self.providers

    @classmethod
    def wanted(cls, providers: int, *, has_callback_port: bool) -> Self:
        """Return the bounds for a number of providers with callbacks."""
        share = MOST_CALLBACKS // providers if providers else 0
        return cls(
            MOST_CONNECTIONS,
            MOST_AT_CALLBACK_PORT if has_callback_port else 0,
            min(MOST_OF_PROVIDER, max(LEAST_CALLBACKS, share)) if providers else 0,
            providers,
        )

    def within(self, files: int) -> Self:
        """Return bounds in the same proportions for a process that may open `files`."""
        most = max(files // 2, files - OTHER_FILES)
        if self.total <= most:
            return self
        return self._replace(
            clients=max(1, self.clients * most // self.total),
            callback_port=self.callback_port * most // self.total,
            provider=max(1, self.provider * most // self.total) if self.providers else 0,
        )


def allowed(wanted: ConnectionBounds) -> ConnectionBounds:
    """Raise the limit of open files as far as needed and allowed; returns what it is enough for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted.total + OTHER_FILES
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < files:
        soft = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted.within(soft)
