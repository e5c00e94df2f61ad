"""Test messages: single calls outside of every campaign's counters, each made at most once.

They share nothing with the messages of campaigns but the kind of provider: no claim, no retry,
no circuit breaker. A message is taken by one sender and never again, so what a lost sender had
taken is not sent by another one.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue

from campaign_common.database import Database
from campaign_common.message import MessageKey, Status
from campaign_common.outages import Backoff, Outages
from campaign_common.store.test_messages import (
    TakenTestMessage,
    TestOutcome,
    end_test_message,
    take_test_messages,
)
from campaign_common.wire import WIRE_VERSION, MessageRecord
from campaign_sender.delivery.provider_route import MakeProvider
from campaign_sender.delivery.send_guard import boot_time
from campaign_sender.message import Message
from campaign_sender.providers.contract import Provider, SendResult, SendStatus

LOOK_INTERVAL = 0.25
"""Seconds between two looks for new ones."""

PART = "test messages"

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
"""Seconds between two attempts while the database is away."""

LAST_WAIT = 3.0
"""Seconds that a sender that stops waits for the outcomes of what it has called for."""

AT_ONCE = 20
"""Messages taken in one transaction."""

WAITED_FOR = 10.0
"""Seconds after which nobody waits for a message, and none is called for any more."""

STATUSES: Mapping[SendStatus, Status] = {
    SendStatus.ACCEPTED: Status.SENT,
    SendStatus.AMBIGUOUS: Status.UNKNOWN,
    SendStatus.EXPIRED: Status.EXPIRED,
}
"""What an answer means here; everything else is a failure, since nothing is tried again."""


class TrialMessage(Message, gc=False, eq=False):
    """A test message as a provider takes it."""

    test_id: int = 0
    taken_at: float = 0.0
    """Boot time in seconds."""

    @property
    def idempotency_key(self) -> str:
        """What the provider knows the message by."""
        return f"test-{self.test_id}"


class TrialSends:
    """Takes test messages, calls their providers and records the outcomes, in its own thread."""

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, MakeProvider],
        clock: Callable[[], float] = boot_time,
    ) -> None:
        """Take how each provider is made; that happens when it is first needed."""
        self._database = database
        self._make = providers
        self._clock = clock
        self._providers: dict[str, Provider] = {}
        self._results: SimpleQueue[SendResult] = SimpleQueue()
        self._under_way = 0
        self._unrecorded: list[TestOutcome] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="test-messages", daemon=True)

    def start(self) -> None:
        """Start looking for messages."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more, record what ends soon, and return when the thread has ended."""
        self._stop.set()
        self._thread.join()
        for provider in self._providers.values():
            provider.close()

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Decide immediately before calls: none starts that nobody waits for any more."""
        since = self._clock() - WAITED_FOR
        return [
            None if isinstance(one, TrialMessage) and one.taken_at >= since else SendStatus.EXPIRED
            for one in messages
        ]

    def on_results(self, results: Iterable[SendResult]) -> None:
        """Take results from a provider, in whichever thread."""
        for result in results:
            self._results.put(result)

    def step(self) -> None:
        """Record what has ended, and call for what is new.

        Raises:
            RetryLater: the database is away; what has ended is recorded later.
        """
        self._record()
        for message in self._take():
            self._under_way += 1
            self._provider(message.provider).submit([_trial_message(message, self._clock())])

    def _run(self) -> None:
        outages = Outages()
        backoff = Backoff(self._stop.wait, FIRST_PAUSE, LONGEST_PAUSE)
        while not self._stop.is_set():
            if outages.attempt(PART, self.step):
                backoff.succeeded()
            else:
                backoff.pause()
            self._wait()
        give_up_at = time.monotonic() + LAST_WAIT
        while self._under_way and time.monotonic() < give_up_at:
            self._wait()
            outages.attempt(PART, self._record)

    def _take(self) -> Sequence[TakenTestMessage]:
        # Without an answer to COMMIT nobody is called: taken or not, it is not known.
        with self._database.transaction() as cursor:
            return take_test_messages(cursor, self._make.keys(), AT_ONCE)

    def _provider(self, name: str) -> Provider:
        known = self._providers.get(name)
        if known is None or not known.alive:
            self._providers[name] = self._make[name](self.check_before_send, self.on_results)
        return self._providers[name]

    def _wait(self) -> None:
        """Wait for a result, or for the next look."""
        try:
            self._unrecorded += _outcome(self._results.get(timeout=LOOK_INTERVAL))
        except Empty:
            return

    def _record(self) -> None:
        while not self._results.empty():
            self._unrecorded += _outcome(self._results.get())
        if not self._unrecorded:
            return
        with self._database.transaction() as cursor:
            for outcome in self._unrecorded:
                end_test_message(cursor, outcome)
        self._under_way -= len(self._unrecorded)
        self._unrecorded = []


def _trial_message(message: TakenTestMessage, taken_at: float) -> TrialMessage:
    record = MessageRecord(
        WIRE_VERSION,
        message.campaign_id,
        seq=0,
        shard=0,
        campaign_epoch=0,
        map_version=0,
        phone=message.phone,
        body=message.body,
    )
    key = MessageKey(message.campaign_id, 0)
    return TrialMessage(record, key, -1, -1, 0, test_id=message.id, taken_at=taken_at)


def _outcome(result: SendResult) -> list[TestOutcome]:
    if not isinstance(result.message, TrialMessage):
        return []
    status = STATUSES.get(result.status, Status.FAILED)
    return [
        TestOutcome(result.message.test_id, status, result.provider_message_id, result.error_code)
    ]
