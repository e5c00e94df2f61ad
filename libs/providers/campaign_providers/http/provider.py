"""HTTP provider: a thread with an event loop, to which other threads submit messages."""

from collections.abc import Sequence
from functools import partial
from typing import Generic

import uvloop

from campaign_common.errors import SettingsError
from campaign_common.metrics.distribution import SECONDS, BatchHistogram
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_common.settings import HttpProviderSettings
from campaign_providers.contract import MakeReferences, MessageT, OnResults, PreSendCheck
from campaign_providers.http.connections.connection_pool import ConnectionPool
from campaign_providers.http.requests.current_writer import CurrentWriter


class HttpProvider(Generic[MessageT]):
    """Provider that makes one request of each message, once.

    A connection that could not be made proves that the message was not accepted. A connection lost
    during a request, or a response that did not arrive in time, leaves that open.
    """

    def __init__(
        self,
        name: str,
        settings: HttpProviderSettings,
        check_before_send: PreSendCheck[MessageT],
        on_results: OnResults[MessageT],
        digest_key: bytes = b"",
        references: MakeReferences | None = None,
    ) -> None:
        """Start the thread.

        With the same `digest_key` senders of one secret have one `account_digest`. `references`:
        those of the provider's callbacks; None: it has none.

        Raises:
            SettingsError: the CA file cannot be used.
        """
        self.name = name
        self.idempotent_for = settings.idempotent_for
        self.price = settings.price
        self.support = settings.content_support
        self.connections: int | None = settings.connections
        self._loop = uvloop.new_event_loop()
        self.durations = BatchHistogram(SECONDS)
        self._requests = CurrentWriter(name, settings, digest_key, references)
        try:
            self._pool = ConnectionPool(
                self._loop,
                settings,
                self._requests,
                check_before_send,
                on_results,
                self.durations,
            )
        except SettingsError as error:
            raise SettingsError(f"provider {name}: {error}") from error
        self._thread = IndispensableThread(f"provider-{name}", self._run)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.alive

    @property
    def account_digest(self) -> str | None:
        """Keyed digest of the secrets in use."""
        return self._requests.digest

    @property
    def problem(self) -> str | None:
        """Why nothing can be sent: a secret that cannot be read."""
        return self._requests.problem

    def submit(self, messages: Sequence[MessageT], *, first: bool = False) -> None:
        """Queue messages; each is sent when a connection is idle."""
        self._loop.call_soon_threadsafe(partial(self._pool.add, messages, first=first))

    def close(self) -> None:
        """Abandon waiting messages and open requests; return when the thread has ended."""
        if self._thread.alive:
            self._loop.call_soon_threadsafe(self._pool.stop)
            self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._pool.run())
        finally:
            self._loop.close()
