"""Single sends: messages outside every campaign's counters, each sent at most once.

They go through a client of their own to the same provider: no claim, no retry, no circuit breaker.
Each takes its units of the day, and starts by a grant of a second where the provider has a rate.
A message is taken by one sender only, so that one taken by a lost sender is not sent by another.

There are test messages, and answers to keywords of inbound messages. No suppression is looked up
here: the API does that for test messages, and who has said STOP may be told that it was heard.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import inf
from queue import Empty, SimpleQueue
from types import MappingProxyType

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.message import Status
from campaign_common.errors import RetryLater
from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.boot_time import boot_time
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.runtime.periodic_thread import FIRST_PAUSE, LONGEST_PAUSE
from campaign_common.store.limits.single_sends import return_single_send, take_single_send
from campaign_common.store.messages.single_messages import (
    SingleOutcome,
    TakenSingleMessage,
    end_single_message,
    give_back_single_messages,
    take_single_messages,
)
from campaign_providers.contract import (
    CONTENT_NOT_TAKEN,
    REACHED_PROVIDER,
    Provider,
    SendResult,
    SendStatus,
)
from campaign_providers.registry import MakeProvider
from campaign_sender.delivery.pacer import GrantQueue
from campaign_sender.delivery.provider_checks import POLL_INTERVAL, STOP_TIMEOUT
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.message import Message
from campaign_sender.single.single_message import SingleMessage, single_message
from campaign_sender.single.single_queue import SingleQueue

OUTAGE_NAME = "single messages"

MAX_TAKEN = 20
"""Messages taken in one transaction."""

SEND_WITHIN = 10.0
"""Seconds after which a message that was taken is not sent any more: the request of a test message
has timed out."""

HELD_FOR = 5.0
"""Seconds after which a message that waits for grants is left to others, who may have some."""

NO_LIMITERS: Mapping[str, ProviderLimiter] = MappingProxyType({})

DAY_USED_UP = "day_used_up"
"""Error code of a message for which too little is left of the provider's day."""

DATABASE_UNAVAILABLE = "database_unavailable"
"""Error code of a message whose units of the day were not taken, as far as is known."""

STATUSES: Mapping[SendStatus, Status] = {
    SendStatus.ACCEPTED: Status.SENT,
    SendStatus.AMBIGUOUS: Status.UNKNOWN,
    SendStatus.EXPIRED: Status.EXPIRED,
}
"""Final status by send status; every other one is a failure, since nothing is retried."""

log = structlog.get_logger()


class SingleSends:
    """Sends of single messages, which a thread of its own takes, makes and records."""

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, MakeProvider],
        limits: Mapping[str, ProviderLimits],
        clock: Callable[[], float] = boot_time,
        write_suppressions: Callable[[Sequence[SendResult[Message]]], None] = lambda _: None,
        limiters: Mapping[str, ProviderLimiter] = NO_LIMITERS,
    ) -> None:
        """Take a factory for each provider, used when it is first needed, and its limits.

        The limits are the configured ones, for where no live ones replace them.
        `write_suppressions`: stores those that follow from results, before their outcomes.
        `limiters`: the grants of this sender; messages of providers without one start at once.
        """
        self._database = database
        self._limits = limits
        self._make = providers
        self._clock = clock
        self._providers: dict[str, Provider[Message]] = {}
        self._results: SimpleQueue[SendResult[Message]] = SimpleQueue()
        self._in_flight = 0
        self._unrecorded: list[SingleOutcome] = []
        self._write_suppressions = write_suppressions
        self._suppressing: list[SendResult[Message]] = []
        self._queues = {
            name: SingleQueue(limiter, partial(self._submit, name), clock)
            for name, limiter in limiters.items()
        }
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="single-sends", daemon=True)

    @property
    def grant_queues(self) -> list[GrantQueue]:
        """Messages that wait for grants; a pacer starts them."""
        return [*self._queues.values()]

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more messages, record outcomes that arrive soon, and end the thread."""
        self._stop.set()
        self._thread.join()
        for provider in self._providers.values():
            provider.close()

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages immediately before they are sent, by their age and their grants."""
        since = self._clock() - SEND_WITHIN
        return [self._check(one, since) for one in messages]

    def _check(self, message: Message, since: float) -> SendStatus | None:
        if not isinstance(message, SingleMessage) or message.taken_at < since:
            return SendStatus.EXPIRED
        queue = self._queues.get(message.provider)
        return None if queue is None or queue.may_start(message) else SendStatus.NOT_GRANTED

    def on_results(self, results: Iterable[SendResult[Message]]) -> None:
        """Add results of a provider; called from any thread."""
        for result in results:
            self._results.put(result)

    def step(self) -> None:
        """Record outcomes, and send new messages.

        Raises:
            RetryLater: the database is down; outcomes are recorded later.
        """
        self._record()
        self._give_back(self._clock() - HELD_FOR)
        taken = self._take()
        taken_at = self._clock()
        for message in taken:
            self._in_flight += 1
            single = single_message(message, taken_at)
            refusal = self._refusal(self._provider(message.provider), single)
            if refusal is None:
                self._start(single)
            else:
                self.on_results([SendResult(single, SendStatus.PERMANENT, None, refusal)])

    def _start(self, single: SingleMessage, *, first: bool = False) -> None:
        queue = self._queues.get(single.provider)
        if queue is None:
            self._submit(single.provider, [single])
        else:
            queue.add([single], first=first)

    def _submit(self, provider: str, messages: Sequence[SingleMessage]) -> None:
        self._providers[provider].submit(messages)

    def _run(self) -> None:
        outages = OutageLog()
        backoff = Backoff(self._stop.wait, FIRST_PAUSE, LONGEST_PAUSE)
        while not self._stop.is_set():
            if outages.run(OUTAGE_NAME, self.step):
                backoff.succeeded()
            else:
                backoff.pause()
            self._wait()
        give_up_at = time.monotonic() + STOP_TIMEOUT
        while self._in_flight and time.monotonic() < give_up_at:
            self._give_back(inf)
            self._wait()
            outages.run(OUTAGE_NAME, self._record)

    def _take(self) -> Sequence[TakenSingleMessage]:
        rooms = {name: queue.room(MAX_TAKEN) for name, queue in self._queues.items()}
        wanted = [name for name in self._make if rooms.get(name, MAX_TAKEN)]
        if not wanted:
            return []
        # After an unknown COMMIT nothing is sent: it is not known whether messages were taken.
        with self._database.transaction() as cursor:
            return take_single_messages(cursor, wanted, MAX_TAKEN, rooms)

    def _give_back(self, taken_before: float) -> None:
        """Leave messages that were taken before a boot time, and have no grants, to other senders.

        Once: after an unknown COMMIT another sender may have taken them. What is not given back is
        not sent.
        """
        out = [one for queue in self._queues.values() for one in queue.take_out(taken_before)]
        if not out:
            return
        self._in_flight -= len(out)
        for single in out:
            self._return_to_day(single)
        try:
            with self._database.transaction() as cursor:
                give_back_single_messages(cursor, [single.single_id for single in out])
        except (RetryLater, DriverError) as error:
            log.warning("single messages not given back", messages=len(out), error=str(error))

    def _refusal(self, provider: Provider[Message], single: SingleMessage) -> str | None:
        """Take the units of a message from the day; return the error code where it is not sent."""
        if not provider.support.takes(single.record):
            return CONTENT_NOT_TAKEN
        name = single.provider
        try:
            with self._database.transaction() as cursor:
                units = take_single_send(cursor, name, self._limits[name], single.body)
        except RetryLater:
            return DATABASE_UNAVAILABLE
        if units.used_up is not None:
            return DAY_USED_UP
        single.units = units
        return None

    def _provider(self, name: str) -> Provider[Message]:
        known = self._providers.get(name)
        if known is None or not known.alive:
            self._providers[name] = self._make[name](self.check_before_send, self.on_results)
        return self._providers[name]

    def _wait(self) -> None:
        """Wait for a result, or for the next poll."""
        try:
            result = self._results.get(timeout=POLL_INTERVAL)
        except Empty:
            return
        self._note(result)

    def _note(self, result: SendResult[Message]) -> None:
        """Note an outcome for recording, and return the units of what was not sent."""
        single = result.message
        if not isinstance(single, SingleMessage):
            return
        if result.status is SendStatus.NOT_GRANTED:
            self._start(single, first=True)  # nothing was sent
            return
        status = STATUSES.get(result.status, Status.FAILED)
        self._unrecorded.append(
            SingleOutcome(single.single_id, status, result.provider_message_id, result.error_code)
        )
        if result.suppress:
            self._suppressing.append(result)
        if result.status not in REACHED_PROVIDER:
            self._return_to_day(single)

    def _return_to_day(self, single: SingleMessage) -> None:
        """Return units once; where the database refuses, or it is not known, they are lost."""
        try:
            with self._database.transaction() as cursor:
                return_single_send(cursor, single.provider, single.units)
        except (RetryLater, DriverError) as error:
            log.warning(
                "units of a single message not returned",
                purpose=single.purpose.name,
                id=single.single_id,
                error=str(error),
            )

    def _record(self) -> None:
        while not self._results.empty():
            self._note(self._results.get())
        if not self._unrecorded:
            return
        if self._suppressing:
            self._write_suppressions(self._suppressing)
            self._suppressing = []
        with self._database.transaction() as cursor:
            for outcome in self._unrecorded:
                end_single_message(cursor, outcome)
        self._in_flight -= len(self._unrecorded)
        self._unrecorded = []
