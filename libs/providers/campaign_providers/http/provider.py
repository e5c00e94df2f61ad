"""HTTP provider: a thread with an event loop, to which other threads submit messages."""

from collections.abc import Sequence
from typing import Generic

import uvloop

from campaign_common.errors import SettingsError
from campaign_common.metrics.distribution import SECONDS, BatchHistogram
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_common.settings import HttpSettings
from campaign_providers.contract import MessageT, OnResults, PreSendCheck
from campaign_providers.http.connection_pool import ConnectionPool
from campaign_providers.http.request_writer import Target


class HttpProvider(Generic[MessageT]):
    """Provider that POSTs each message to the configured URL, once.

    A connection that could not be made proves that the message was not accepted. A connection lost
    during a request, or a response that did not arrive in time, leaves that open.
    """

    name = "http"

    def __init__(
        self,
        settings: HttpSettings,
        check_before_send: PreSendCheck[MessageT],
        on_results: OnResults[MessageT],
    ) -> None:
        """Start the thread.

        Raises:
            SettingsError: there is no URL, or the CA file cannot be used.
        """
        if settings.url is None:
            raise SettingsError("Http.Url: the key is missing; expected where messages go")
        self.connections: int | None = settings.connections
        self.idempotent = settings.idempotent
        self._loop = uvloop.new_event_loop()
        self.durations = BatchHistogram(SECONDS)
        self._pool = ConnectionPool(
            self._loop,
            settings,
            Target(settings.url),
            check_before_send,
            on_results,
            self.durations,
        )
        self._thread = IndispensableThread("http-provider", self._run)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.alive

    def submit(self, messages: Sequence[MessageT]) -> None:
        """Queue messages; each is sent when a connection is idle."""
        self._loop.call_soon_threadsafe(self._pool.add, messages)

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
