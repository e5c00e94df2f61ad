"""Connection pool: waiting messages and open connections, all on the event loop's thread."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Generic

import structlog

from campaign_common.metrics.distribution import BatchHistogram
from campaign_common.settings import HttpProviderSettings, TransportFailure
from campaign_providers.contract import (
    SECRET_UNREADABLE,
    UNREADY_PAUSE,
    MessageT,
    OnResults,
    PreSendCheck,
    SendResult,
    SendStatus,
)
from campaign_providers.http.answers.mapper import UNREADABLE, ResponseMapper
from campaign_providers.http.answers.reader import HttpResponse
from campaign_providers.http.connections.connection import ProviderConnection
from campaign_providers.http.connections.dialer import Dialer, NotConnected
from campaign_providers.http.connections.faults import FaultLog
from campaign_providers.http.requests.current_writer import CurrentWriter
from campaign_providers.http.requests.target import Target
from campaign_providers.http.requests.values import Unsendable
from campaign_providers.secret_files import REFRESH_INTERVAL

REPORT_INTERVAL = 0.005
"""Seconds for which results are collected: each report wakes another thread."""

MAX_DIALS = 32
"""Connections made at a time, so that a provider does not meet all of them at once."""

REDIAL_DELAY = 1.0
"""Seconds without new connections after a failed one, while others work."""

UNWRITABLE = "request_unwritable"
"""Error code of a message whose request could not be made, for a reason that is not known."""

DEADLINE_INTERVAL = 0.1
"""Seconds between two checks of the deadlines."""

log = structlog.get_logger()


class ConnectionPool(Generic[MessageT]):
    """Pool of at most `connections` connections, with one request on each at a time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: HttpProviderSettings,
        requests: CurrentWriter,
        check_before_send: PreSendCheck[MessageT],
        on_results: OnResults[MessageT],
        durations: BatchHistogram,
    ) -> None:
        self._loop = loop
        self._settings = settings
        self._target = Target(settings.url.origin)
        self._dialer = Dialer(settings, self._target)
        self._requests = requests
        self._mapper = ResponseMapper(settings.answers)
        self._check_before_send = check_before_send
        self._on_results = on_results
        self._durations = durations
        self._seconds: list[float] = []
        self._waiting: deque[MessageT] = deque()
        self._connections: set[ProviderConnection[MessageT]] = set()
        self._idle: list[ProviderConnection[MessageT]] = []
        self._dials: set[asyncio.Task[None]] = set()
        self._dialing = 0
        self._dial_at = float("-inf")
        self._results: list[SendResult[MessageT]] = []
        self._unreachable = False
        self._stopped = False
        self._faults = FaultLog(requests.name)

    async def run(self) -> None:
        """Enforce the deadlines until stopped; then abandon the open requests."""
        checked_at = self._loop.time()
        refresh_at = checked_at + REFRESH_INTERVAL
        while not self._stopped:
            await asyncio.sleep(DEADLINE_INTERVAL)
            now = self._loop.time()
            # A process that was suspended first reads the responses that arrived meanwhile.
            if now - checked_at < 10 * DEADLINE_INTERVAL:
                self._enforce_timeouts(now)
            checked_at = now
            if now >= refresh_at:
                self._requests.refresh()
                refresh_at = now + REFRESH_INTERVAL
            self._send_waiting()
        for dial in self._dials:
            dial.cancel()
        for connection in list(self._connections):
            connection.abort("abandoned")
        await asyncio.gather(*self._dials, return_exceptions=True)

    def stop(self) -> None:
        """Send and report nothing more, and let `run` return."""
        self._stopped = True
        self._waiting.clear()

    def add(self, messages: Sequence[MessageT], *, first: bool = False) -> None:
        """Send messages, in order, as connections become idle; `first`: before all that wait."""
        if first:
            self._waiting.extendleft(reversed(messages))
        else:
            self._waiting.extend(messages)
        self._send_waiting()

    # --- called by connections ------------------------------------------------------------

    def on_response(self, message: MessageT, response: HttpResponse, began: float) -> None:
        """Report the result that the response maps to."""
        self._seconds.append(self._loop.time() - began)
        try:
            result = self._mapper.to_result(message, response)
        except Exception as error:  # noqa: BLE001 - the thread goes on, and the message ends
            self._faults.log("answer not read", error)
            result = SendResult(message, SendStatus.AMBIGUOUS, None, UNREADABLE)
        self._add_result(result)

    def on_no_response(self, message: MessageT, code: str) -> None:
        """Report a request that may have been accepted, or not."""
        self._add_result(self._mapper.without_response(message, code))

    def on_idle(self, connection: ProviderConnection[MessageT]) -> None:
        """Send the next message over the connection, or keep it for later."""
        if not self._send_next(connection) and connection.usable:
            connection.since = self._loop.time()
            self._idle.append(connection)

    def on_lost(self, connection: ProviderConnection[MessageT]) -> None:
        """Forget the connection, and make another one if messages wait."""
        self._connections.discard(connection)
        self._dial_missing()

    # --- sending ----------------------------------------------------------------------------

    def _send_waiting(self) -> None:
        while self._waiting and self._idle:
            self.on_idle(self._idle.pop())  # the one used last: the others may time out
        self._dial_missing()

    def _send_next(self, connection: ProviderConnection[MessageT]) -> bool:
        while self._waiting and connection.usable:
            message = self._waiting.popleft()
            written = self._written(message)
            veto = self._veto(message)
            if veto is not None:
                self._add_result(SendResult(message, veto))
            elif isinstance(written, bytes):
                connection.send(message, written, self._loop.time())
                return True
            else:
                self._add_result(written)
        return False

    def _written(self, message: MessageT) -> bytes | SendResult[MessageT]:
        """Return the request of a message, or its result where there can be none."""
        writer = self._requests.writer
        if writer is None:
            return SendResult(
                message, SendStatus.UNCONFIGURED, None, SECRET_UNREADABLE, UNREADY_PAUSE
            )
        try:
            return writer.write(message)
        except Unsendable as error:
            return SendResult(message, SendStatus.UNDELIVERABLE, None, error.code)
        except Exception as error:  # noqa: BLE001 - the thread goes on, and the message ends
            self._faults.log("request not written", error)
            return SendResult(message, SendStatus.UNDELIVERABLE, None, UNWRITABLE)

    def _veto(self, message: MessageT) -> SendStatus | None:
        """Check a message immediately before it is sent; one that can not be checked waits."""
        try:
            (veto,) = self._check_before_send([message])
        except Exception as error:  # noqa: BLE001 - the thread goes on, and the message ends
            self._faults.log("message not checked", error)
            return SendStatus.DEFERRED
        return veto

    def _dial_missing(self) -> None:
        if not self._waiting or self._loop.time() < self._dial_at:
            return
        room = self._settings.connections - len(self._connections)
        wanted = min(len(self._waiting), room, MAX_DIALS) - self._dialing
        for _ in range(wanted):
            self._dialing += 1
            dial = self._loop.create_task(self._dial())
            self._dials.add(dial)
            dial.add_done_callback(self._dials.discard)

    async def _dial(self) -> None:
        code = TransportFailure.CONNECT_FAILED.value
        connection: ProviderConnection[MessageT] | None = None
        try:
            connection = await self._dialer.dial(
                lambda: ProviderConnection(self, self._mapper.kept_headers)
            )
        except NotConnected as error:
            code = error.code
        except Exception as error:  # noqa: BLE001 - the thread goes on, and the message ends
            self._faults.log("connection not made", error)
        finally:
            self._dialing -= 1
        if connection is None or not connection.usable:
            self._on_no_connection(code)
            return
        self._connections.add(connection)
        if self._unreachable:
            log.info("provider reachable", provider=self._requests.name, target=str(self._target))
            self._unreachable = False
        self.on_idle(connection)
        self._dial_missing()

    def _on_no_connection(self, code: str) -> None:
        """Keep messages waiting while other connections exist; otherwise fail them as not sent."""
        self._dial_at = self._loop.time() + REDIAL_DELAY
        if self._connections or self._dialing:
            return
        if not self._unreachable:
            log.warning(
                "provider unreachable",
                provider=self._requests.name,
                target=str(self._target),
                error=code,
            )
            self._unreachable = True
        while self._waiting:
            message = self._waiting.popleft()
            veto = self._veto(message)
            # One by one, so that the circuit breaker, a part of the pre-send check, opens in time
            # and spares the others an attempt.
            if veto is not None:
                result = SendResult(message, veto)
            elif isinstance(written := self._written(message), bytes):
                result = self._mapper.without_response(message, code)
            else:  # it cannot be sent, whether the provider is reachable or not
                result = written
            self._on_results([result])

    # --- ending requests --------------------------------------------------------------------

    def _enforce_timeouts(self, now: float) -> None:
        for connection in list(self._connections):
            age = now - connection.since
            if connection.busy:
                if age > self._settings.timeout:
                    connection.abort("timeout")
            elif age > self._settings.idle_timeout:
                connection.abort("idle")
        self._idle = [connection for connection in self._idle if connection.usable]

    def _add_result(self, result: SendResult[MessageT]) -> None:
        self._results.append(result)
        if len(self._results) == 1:
            self._loop.call_later(REPORT_INTERVAL, self._report_results)

    def _report_results(self) -> None:
        results, self._results = self._results, []
        seconds, self._seconds = self._seconds, []
        self._durations.add(seconds)
        if not self._stopped:
            self._on_results(results)
