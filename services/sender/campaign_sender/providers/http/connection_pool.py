"""What waits for a connection, and what is under way; all of it on the loop's thread."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from campaign_common.metrics.distribution import Distribution
from campaign_common.settings import HttpSettings
from campaign_sender.message import Message
from campaign_sender.providers.contract import OnResults, PreSendCheck, SendResult, SendStatus
from campaign_sender.providers.http.connection import Connection
from campaign_sender.providers.http.dialer import Dialer, NotConnected
from campaign_sender.providers.http.request_writer import RequestWriter, Target
from campaign_sender.providers.http.response_mapper import AnswerTable
from campaign_sender.providers.http.response_reader import HttpAnswer

REPORT_INTERVAL = 0.005
"""Seconds for which results gather: each report wakes another thread."""

MOST_DIALS = 32
"""Connections that are being made at a time, so that no provider meets all of them at once."""

DIAL_AGAIN = 1.0
"""Seconds without new connections after one failed while others work."""

LOOK_INTERVAL = 0.1
"""Seconds between two looks at the deadlines."""

log = structlog.get_logger()


class Calls:
    """Carries messages over at most `connections` connections, one call on each at a time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: HttpSettings,
        target: Target,
        check_before_send: PreSendCheck,
        on_results: OnResults,
        durations: Distribution,
    ) -> None:
        self._loop = loop
        self._settings = settings
        self._target = target
        self._dialer = Dialer(settings, target)
        self._writer = RequestWriter(target, settings.authorization)
        self._table = AnswerTable(settings.answers, settings.message_id_field)
        self._check_before_send = check_before_send
        self._on_results = on_results
        self._durations = durations
        self._seconds: list[float] = []
        self._waiting: deque[Message] = deque()
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        self._dials: set[asyncio.Task[None]] = set()
        self._dialing = 0
        self._dial_at = float("-inf")
        self._results: list[SendResult] = []
        self._away = False
        self._stopped = False

    async def run(self) -> None:
        """Keep the deadlines until stopped; then abandon what is under way."""
        looked_at = self._loop.time()
        while not self._stopped:
            await asyncio.sleep(LOOK_INTERVAL)
            now = self._loop.time()
            # A process that stood still first reads the answers that arrived meanwhile.
            if now - looked_at < 10 * LOOK_INTERVAL:
                self._end_overdue(now)
            looked_at = now
            self._pump()
        for dial in self._dials:
            dial.cancel()
        for connection in list(self._connections):
            connection.give_up("abandoned")
        await asyncio.gather(*self._dials, return_exceptions=True)

    def stop(self) -> None:
        """Start nothing more, report nothing more, and let `run` return."""
        self._stopped = True
        self._waiting.clear()

    def add(self, messages: Sequence[Message]) -> None:
        """Call for these messages, in order, as connections become free."""
        self._waiting.extend(messages)
        self._pump()

    # --- called by connections ------------------------------------------------------------

    def answered(self, message: Message, answer: HttpAnswer, began: float) -> None:
        """OnResults what the answer means."""
        self._seconds.append(self._loop.time() - began)
        self._note(self._table.result(message, answer))

    def unanswered(self, message: Message, code: str) -> None:
        """OnResults a call that may have been taken, or not."""
        self._note(SendResult(message, SendStatus.AMBIGUOUS, None, code))

    def free(self, connection: Connection) -> None:
        """Start the next call on the connection, or keep it for later."""
        if not self._call_next(connection) and connection.usable:
            connection.since = self._loop.time()
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """Forget the connection, and make another one if messages wait for it."""
        self._connections.discard(connection)
        self._dial_more()

    # --- starting calls -------------------------------------------------------------------

    def _pump(self) -> None:
        while self._waiting and self._idle:
            self.free(self._idle.pop())  # the one used last: the others may grow old and end
        self._dial_more()

    def _call_next(self, connection: Connection) -> bool:
        while self._waiting and connection.usable:
            message = self._waiting.popleft()
            request = self._writer.write(message)
            (no_call,) = self._check_before_send([message])
            if no_call is None:
                connection.call(message, request, self._loop.time())
                return True
            self._note(SendResult(message, no_call))
        return False

    def _dial_more(self) -> None:
        if not self._waiting or self._loop.time() < self._dial_at:
            return
        room = self._settings.connections - len(self._connections)
        wanted = min(len(self._waiting), room, MOST_DIALS) - self._dialing
        for _ in range(wanted):
            self._dialing += 1
            dial = self._loop.create_task(self._dial())
            self._dials.add(dial)
            dial.add_done_callback(self._dials.discard)

    async def _dial(self) -> None:
        code = "connection_lost"
        connection: Connection | None = None
        try:
            connection = await self._dialer.dial(lambda: Connection(self))
        except NotConnected as error:
            code = error.code
        finally:
            self._dialing -= 1
        if connection is None or not connection.usable:
            self._note_no_connection(code)
            return
        self._connections.add(connection)
        if self._away:
            log.info("provider reached again", target=str(self._target))
            self._away = False
        self.free(connection)
        self._dial_more()

    def _note_no_connection(self, code: str) -> None:
        """Let messages wait while other connections carry them; else none of them was taken."""
        self._dial_at = self._loop.time() + DIAL_AGAIN
        if self._connections or self._dialing:
            return
        if not self._away:
            log.warning("provider cannot be reached", target=str(self._target), error=code)
            self._away = True
        while self._waiting:
            message = self._waiting.popleft()
            (no_call,) = self._check_before_send([message])
            # One by one, so that the circuit breaker, which the look asks, learns in time and
            # spares the others an attempt.
            failed = SendResult(message, SendStatus.RETRYABLE, None, code)
            self._on_results([failed if no_call is None else SendResult(message, no_call)])

    # --- ending calls ---------------------------------------------------------------------

    def _end_overdue(self, now: float) -> None:
        for connection in list(self._connections):
            age = now - connection.since
            if connection.calling:
                if age > self._settings.timeout:
                    connection.give_up("timeout")
            elif age > self._settings.idle_timeout:
                connection.give_up("idle")
        self._idle = [connection for connection in self._idle if connection.usable]

    def _note(self, result: SendResult) -> None:
        self._results.append(result)
        if len(self._results) == 1:
            self._loop.call_later(REPORT_INTERVAL, self._report_results)

    def _report_results(self) -> None:
        results, self._results = self._results, []
        seconds, self._seconds = self._seconds, []
        self._durations.add(seconds)
        if not self._stopped:
            self._on_results(results)
